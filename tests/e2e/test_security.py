"""Access control and audit log with real processes: keys, attacks, and a default setup that needs
no configuration.
"""

import json
import os
import shutil
import socket
import stat
import subprocess
import threading
import time
import unittest

from peer import ERROR, QUERY, REFUSED, WELCOME, Peer
from rig import BIN, PATIENCE, SANITIZED, TOP, Rig, stop_gently, wait_until

ENROL, SUBMIT, ATTACH, CANCEL, DRAIN = 8, 16, 18, 20, 22


class Recorder:
    """A TCP relay that records every byte, like a sniffer on the wire."""

    def __init__(self, endpoint):
        host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
        self.target = (host, int(port))
        self.seen = bytearray()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(self.target)
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self.pump, args=(a, b), daemon=True).start()

    def pump(self, source, sink):
        try:
            while data := source.recv(65536):
                self.seen += data
                sink.sendall(data)
        except OSError:
            pass
        finally:
            for end in (source, sink):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                end.close()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self.listener.close()


class Security(Rig):
    def setUp(self):
        super().setUp()
        self.keys = self.folder / "quern"

    def elsewhere(self, name):
        """The environment of another machine, without keys."""
        return {"XDG_CONFIG_HOME": str(self.folder / name), "XDG_STATE_HOME": str(self.folder / name)}

    def audit(self, *words):
        return [json.loads(line) for line in self.quern("audit", "grep", "--json", *words).lines]

    def assert_intact(self):
        wait_until(lambda: (self.folder / "quern" / "audit.checkpoint").exists(), "the checkpoint")
        self.assertIn("none modified", self.ok("audit", "verify").out)


class NewcomerNoticesNothing(Security):
    def test_keys_are_created_found_and_private(self):
        self.start_broker()
        self.start_worker("w")
        self.assertEqual(self.ok("run", "sum", "--range", "1:101").out, "5050\n")
        for name in ("broker.secret", "client.secret", "worker.secret", "authorized_keys"):
            self.assertEqual(stat.S_IMODE((self.keys / name).stat().st_mode), 0o600, name)
        names = {row["name"]: row["roles"] for row in self.ok("keys", "list", "--json").objects}
        self.assertEqual(names, {"client": "submit,read,admin", "worker": "work"})
        self.assert_intact()

    def test_peers_started_before_the_keys_exist_wait_for_them(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            endpoint = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
        self.env["QUERN_BROKER"] = endpoint
        worker = self.start([BIN / "quern-worker", "--name", "early"])
        wait_until(lambda: "no keys in" in worker.err, "the worker's sentence")
        client = self.quern_start("run", "sum", "--range", "1:101")
        self.start_broker(bind=endpoint)
        done = client.finish()
        self.assertEqual((done.code, done.out), (0, "5050\n"), done)

    def test_two_brokers_can_share_keys_and_audit_log(self):
        self.start_broker()
        first = self.endpoint
        self.start_broker()
        self.start_worker("w")
        self.assertEqual(self.ok("run", "sum", "--range", "1:101").out, "5050\n")
        self.assertEqual(self.ok("jobs", "--broker", first, "--json").out, "")
        self.assert_intact()

    def test_a_lan_address_is_served_encrypted(self):
        self.start_broker(bind="tcp://0.0.0.0:0")
        self.start_worker("w")
        self.assertEqual(self.ok("run", "sum", "--range", "1:101").out, "5050\n")

    def test_ipc_is_encrypted_too(self):
        self.start_broker(bind=f"ipc://{self.folder}/sock")
        self.start_worker("w")
        self.assertEqual(self.ok("run", "sum", "--range", "1:101").out, "5050\n")
        done = self.quern("jobs", "--insecure")
        self.assert_one_line(done, 3, "leave out --insecure")


class Mistakes(Security):
    def run_broker(self, *words):
        done = subprocess.run([BIN / "quern-broker", "--no-store", "--bind", "tcp://127.0.0.1:0", *words], env=self.env,
                              capture_output=True, text=True, timeout=PATIENCE)
        return done.returncode, done.stderr

    def test_plaintext_beyond_loopback_is_refused(self):
        code, err = self.run_broker("--insecure", "--bind", "tcp://0.0.0.0:0")
        self.assertEqual(code, 2)
        self.assertIn("loopback", err)

    def test_an_insecure_broker_warns_and_no_peer_falls_back_to_it(self):
        self.start_broker("--insecure")
        wait_until(lambda: "INSECURE" in self.broker.err, "the warning")
        self.ok("keys", "init")
        done = self.quern("jobs")
        self.assert_one_line(done, 3, "does not encrypt", "--insecure")
        self.ok("jobs", "--insecure")

    def test_a_secret_readable_by_others_is_refused_with_the_command_to_fix_it(self):
        self.start_broker()
        secret = self.keys / "client.secret"
        secret.chmod(0o644)
        self.assert_one_line(self.quern("jobs"), 3, f"chmod 600 {secret}")
        secret.chmod(0o600)
        self.ok("jobs")
        (self.keys / "broker.secret").chmod(0o640)
        done = subprocess.run([BIN / "quern-broker", "--no-store", "--bind", "tcp://127.0.0.1:0"], env=self.env, capture_output=True,
                              text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 3)
        self.assertIn("chmod 600", done.stderr)

    def test_another_broker_behind_the_same_address_is_not_trusted(self):
        self.start_broker()
        other = self.ok("keys", "init", "--json", "--keys", self.folder / "other").objects[0]["broker_key"]
        (self.keys / "broker.pub").write_text(other + "\n")
        self.assert_one_line(self.quern("jobs"), 3, "a different key")

    def test_mistakes_in_key_commands_are_reported(self):
        self.ok("keys", "init")
        for words, part in ((("add", "x"), "--role"), (("add", "x", "--role", "king"), "king"), (("add", "a b", "--role", "work"), "name"),
                            (("add", "client", "--role", "work"), "already has a key"), (("add", "x", "nokey", "--role", "work"), "40 characters"),
                            (("add", "x", "--role", "work", "--max-jobs", "many"), "max_jobs"), (("invite", "--role", "submit"), "--name"),
                            (("invite", "--role", "work", "--life", "never"), "--life"), (("rotate", "nobody"), "nobody"),
                            (("frob",), "frob"), ((), "missing")):
            with self.subTest(words=words):
                self.assert_one_line(self.quern("keys", *words), 2, part)
        self.assert_one_line(self.quern("keys", "revoke", "clinet"), 2, "did you mean 'client'")
        self.assert_one_line(self.quern("keys", "join", "nonsense"), 2, "invitation code")


class Attackers(Security):
    def setUp(self):
        super().setUp()
        self.start_broker()

    def peer(self, side="client", keys=None):
        peer = Peer(self.endpoint, keys or self.keys, side)
        self.addCleanup(peer.close)
        return peer

    def test_an_unknown_key_is_not_heard(self):
        self.ok("keys", "init", "--keys", self.folder / "thief")
        (self.folder / "thief" / "broker.pub").write_bytes((self.keys / "broker.pub").read_bytes())
        done = self.quern("jobs", "--keys", self.folder / "thief")
        self.assert_one_line(done, 3, "rejected the key", "quern keys add")
        self.assertEqual(wait_until(lambda: self.audit("--action", "connect", "--decision", "deny"), "the record")[0]["reason"], "unknown key")

    def test_a_stolen_worker_key_cannot_submit_read_or_cancel(self):
        job = self.submit("absent", "--input", "secret")
        thief = self.peer("worker")
        thief.hello()
        _, refused = thief.receive_a(REFUSED)
        self.assertEqual(refused["code"], "denied")
        thief = self.peer("worker")
        thief.hello(role="worker", name="thief", worker={"functions": [], "capacity": {"slots": 1}})
        session, _ = thief.receive_a(WELCOME)
        for number, fields in ((SUBMIT, {"job": os.urandom(16), "function": "echo"}), (QUERY, {"token": 1, "what": "jobs"}),
                               (ATTACH, {"token": 2, "number": job}), (CANCEL, {"token": 3, "number": job}),
                               (DRAIN, {"token": 4, "worker": "thief"})):
            thief.send(number, session, fields)
            _, error = thief.receive_a(ERROR)
            self.assertEqual(error["code"], "denied", number)
        self.assertEqual(self.job(job)["state"], "waiting")
        denied = wait_until(lambda: [a for a in self.audit("--principal", "worker", "--decision", "deny") if a["action"] == "cancel"], "it")
        self.assertEqual(denied[0]["object"], f"job {job}")

    def test_a_principal_cannot_read_or_cancel_jobs_of_another(self):
        for name in ("alice", "bob"):
            self.ok("keys", "add", name, "--role", "submit,read")
        alice, bob = (("--keys", self.keys / "issued" / name) for name in ("alice", "bob"))
        job = self.submit("absent", "--input", "secret", *alice)
        self.assertEqual(self.ok("jobs", "--json", *bob).out, "")
        for words in (("job", job), ("cancel", job), ("results", job), ("wait", job), ("explain", job)):
            with self.subTest(words=words):
                done = self.quern(*words, *bob)
                self.assertNotEqual(done.code, 0)
                self.assertIn("belongs to another principal", done.err + done.out)
        self.assertEqual(self.ok("job", job, "--json", *alice).objects[0]["owner"], "alice")
        self.ok("cancel", job)  # the key of the operator has the admin right

    def test_nothing_can_be_read_on_the_wire(self):
        wire = Recorder(self.endpoint)
        self.addCleanup(wire.close)
        self.start_worker("w", "--broker", wire.endpoint)
        secret = "a needle that would be seen " * 40
        self.assertEqual(self.ok("run", "echo", "--input", secret, "--broker", wire.endpoint).out.strip(), secret.strip())
        self.assertGreater(len(wire.seen), 2 * len(secret))
        for needle in (b"needle", b"echo", b"capacity", (self.keys / "client.secret").read_bytes().strip()):
            self.assertNotIn(needle, bytes(wire.seen))

    def test_mutated_handshakes_are_refused(self):
        script = TOP / "tests" / "fuzz" / "handshakes.py"
        done = subprocess.run(["/usr/bin/python3", "-B", script, "2000"], env={**os.environ, "QUERN_BIN": str(BIN)}, capture_output=True,
                              text=True, timeout=10 * PATIENCE)
        figures = json.loads(done.stdout)
        # Memory figures mean nothing under a sanitizer; sessions, descriptors and the exit code
        # still count.
        if SANITIZED:
            figures["good"] = figures["sessions"] == figures["jobs"] == figures["exit"] == 0
        self.assertTrue(figures["good"], done.stdout + done.stderr)

    def test_a_flood_of_garbage_and_half_open_connections_does_not_disturb_honest_peers(self):
        self.start_worker("w")
        host, port = self.endpoint.removeprefix("tcp://").rsplit(":", 1)
        idle = [socket.create_connection((host, int(port))) for _ in range(200)]
        for n in range(200):
            with socket.create_connection((host, int(port))) as wire:
                try:
                    wire.sendall(os.urandom(200) if n % 2 else b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x01CURVE" + os.urandom(300))
                except OSError:
                    pass
        self.assertEqual(self.ok("run", "sum", "--range", "1:101").out, "5050\n")
        for wire in idle:
            wire.close()


class Keys(Security):
    def setUp(self):
        super().setUp()
        self.start_broker()

    def issued(self, name, *options):
        self.ok("keys", "add", name, *options)
        return self.keys / "issued" / name

    def test_revoking_removes_the_key_files(self):
        self.issued("lab", "--role", "work")
        self.ok("keys", "revoke", "lab")
        self.assertFalse((self.keys / "issued" / "lab").exists())

    def test_leases_of_a_revoked_worker_go_to_others(self):
        handed_over = shutil.copytree(self.issued("mill", "--role", "work"), self.folder / "elsewhere")
        mill = self.start_worker("mill", "--keys", handed_over)
        gate = self.folder / "gate"
        job = self.submit("gate", "--input", gate)
        wait_until(lambda: self.job(job)["leased"] == 1, "the lease")
        self.start_worker("spare")
        start = time.monotonic()
        self.ok("keys", "revoke", "mill")
        wait_until(lambda: self.worker_names() == ["spare"], "the end of its session")
        self.assertLess(time.monotonic() - start, PATIENCE)
        gate.touch()
        self.ok("wait", job)
        self.assertEqual([w["worker"] for w in self.job(job)["workers"]], ["spare"])
        self.assertEqual(mill.finish().code, 3)
        self.assertTrue(self.audit("--action", "revoke key", "--object", "mill"))

    def test_an_empty_or_damaged_authorized_keys_ends_no_worker(self):
        worker = self.start_worker("mill")
        listed = self.keys / "authorized_keys"
        before = listed.read_bytes()
        for times, damaged in enumerate((b"", before.replace(b" work", b" wrok"), before[: len(before) // 2]), 1):
            listed.write_bytes(damaged)
            wait_until(lambda: self.broker.err.count("its session ends") >= times, "the end of its session")
            wait_until(lambda: self.broker.err.count("rejected the key") >= times, "its next try")
            listed.write_bytes(before)
            wait_until(lambda: self.quern("workers").code == 0 and self.worker_names() == ["mill"], "its return")
            self.assertTrue(worker.runs(), worker.err)

    def test_a_revoked_machine_can_join_with_another_key(self):
        there = self.elsewhere("laptop")
        place = self.folder / "laptop" / "quern" / "brokers"
        secrets = []
        for _ in range(2):
            code = self.ok("keys", "invite", "--role", "submit,read", "--name", "alice").out.strip()
            self.ok("keys", "join", code, env=there)
            secrets.append(next(place.glob("*/client.secret")).read_text())
            self.submit("absent", "--input", "x", env=there)
            self.ok("keys", "revoke", "alice")
            wait_until(lambda: self.quern("jobs", env=there).code == 3, "the end of the key")
        self.assertNotEqual(*secrets)

    def test_a_revoked_key_cannot_be_added_again(self):
        folder = self.issued("alice", "--role", "submit")
        with open(f"{folder}/client.pub") as file:
            key = file.read().strip()
        self.ok("keys", "revoke", "alice")
        self.assert_one_line(self.quern("keys", "add", "alice", key, "--role", "submit"), 2, "revoked")
        self.ok("keys", "add", "alice", "--role", "submit")
        self.assert_one_line(self.quern("keys", "rotate", "alice", key), 2, "revoked")

    def test_a_key_that_begins_with_a_dash_is_not_an_option(self):
        key = "-dFYTnNj{.0L7%35yhLDBsjEq78+v%-%>lCl#JcB"
        self.ok("keys", "add", "alice", key, "--role", "submit")
        self.assertIn(key, self.ok("keys", "list").out)
        self.ok("keys", "revoke", key)
        self.assertNotIn(key, self.ok("keys", "list").out)

    def test_a_replaced_key_keeps_its_jobs(self):
        alice = self.issued("alice", "--role", "submit")
        job = self.submit("absent", "--input", "x", "--keys", alice)
        old = self.folder / "old"
        subprocess.run(["cp", "-r", alice, old], check=True)
        self.ok("keys", "rotate", "alice")
        self.assertEqual(self.ok("job", job, "--json", "--keys", alice).objects[0]["owner"], "alice")
        wait_until(lambda: self.quern("jobs", "--keys", old).code == 3, "the end of the old key")
        self.ok("keys", "rotate", "client")
        self.ok("jobs")

    def test_limits_of_a_key_are_enforced(self):
        limited = self.issued("limited", "--role", "submit", "--functions", "s*", "--max-jobs", "2", "--max-priority", "3")
        keys = ("--keys", limited)
        self.assertIn("may not submit", self.quern("run", "echo", "--input", "x", *keys).err)
        self.assertIn("priorities", self.quern("run", "sum", "--range", "1:3", "--priority", "9", *keys).err)
        for _ in range(2):
            self.submit("sabsent", "--input", "x", *keys)
        self.assertIn("2 jobs", self.quern("run", "sabsent", "--input", "x", "--detach", *keys).err)

    def test_a_new_machine_joins_with_one_command(self):
        code = self.ok("keys", "invite", "--role", "work").out.strip()
        self.env.update(self.elsewhere("laptop"))
        start = time.monotonic()
        worker = self.start([BIN / "quern-worker", "--join", code, "--name", "laptop"])
        self.env.update(self.elsewhere(""))
        wait_until(lambda: self.worker_names() == ["laptop"], "the new worker")
        self.assertLess(time.monotonic() - start, PATIENCE)
        self.assertEqual(self.ok("workers", "--json").objects[0]["principal"], "laptop")
        self.assertEqual(stop_gently(worker).code, 0)
        # The key is stored: the next start needs no code, and the code is no longer valid.
        self.env.update(self.elsewhere("laptop"))
        self.start([BIN / "quern-worker", "--name", "laptop"])
        self.env.update(self.elsewhere("thief"))
        thief = self.start([BIN / "quern-worker", "--join", code])
        self.env.update(self.elsewhere(""))
        wait_until(lambda: self.worker_names() == ["laptop"], "its return")
        done = thief.finish()
        self.assertEqual(done.code, 3, done)
        self.assertIn("was used or has expired", done.err)
        for line in self.audit():
            self.assertNotIn(code[10:40], json.dumps(line))
        self.assertEqual([a["principal"] for a in self.audit("--action", "enrol", "--decision", "allow")], ["laptop"])

    def test_a_client_joins_with_an_invitation(self):
        code = self.ok("keys", "invite", "--role", "submit,read", "--name", "alice", "--json").objects[0]["code"]
        there = self.elsewhere("alice")
        self.assertIn("as alice", self.ok("keys", "join", code, env=there).out)
        job = self.submit("absent", "--input", "x", env=there)
        self.assertEqual(self.job(job)["owner"], "alice")
        self.assertEqual(self.quern("keys", "join", code, env=self.elsewhere("eve")).code, 3)

    def test_a_flood_of_wrong_codes_writes_few_lines(self):
        self.ok("keys", "invite", "--role", "work")
        thief = self.folder / "thief"
        self.ok("keys", "init", "--keys", thief)
        (thief / "broker.pub").write_bytes((self.keys / "broker.pub").read_bytes())
        peer = Peer(self.endpoint, thief)
        self.addCleanup(peer.close)
        begin = time.monotonic()
        for _ in range(5000):
            peer.send(ENROL, 0, {"name": "x", "secret": "wrong"})
        wait_until(lambda: "they are ignored" in self.broker.err, "a word of the flood")
        self.start_worker("honest")  # others can still connect
        seconds = time.monotonic() - begin
        refused = self.audit("--action", "enrol", "--decision", "deny")
        self.assertLess(len(refused), 100 + 20 * seconds)
        self.assertLess(self.broker.err.count("\n"), 150 + 30 * seconds)

    def test_a_guessed_code_is_refused_recorded_and_delayed(self):
        code = self.ok("keys", "invite", "--role", "work").out.strip()
        guess = code[:80] + ("A" if code[80] != "A" else "B") + code[81:]
        first = self.quern("keys", "join", guess, env=self.elsewhere("eve"))
        self.assertEqual(first.code, 3, first)
        self.assertIn("wrong, expired or already used", first.err)
        # The wait doubles with every guess, so even on a slow machine a guess soon comes too early.
        for guesses in range(2, 10):
            again = self.quern("keys", "join", guess, env=self.elsewhere("eve"))
            self.assertEqual(again.code, 3, again)
            if "too many wrong codes" in again.err:
                break
        self.assertIn("too many wrong codes", again.err)
        self.assertEqual(len(self.audit("--action", "enrol", "--decision", "deny")), guesses)


class Record(Security):
    def test_a_killed_broker_continues_the_chain(self):
        self.start_broker()
        self.submit("absent", "--input", "x")
        wait_until(lambda: self.audit("--action", "submit"), "the record")
        self.restart_broker()
        self.submit("absent", "--input", "x")
        stop_gently(self.broker)
        self.assert_intact()
        self.assertEqual(len(self.audit("--action", "start")), 2)
        self.assertEqual(len(self.audit("--action", "submit")), 2)
        self.assertEqual(len(self.audit("--action", "stop")), 1)

    def test_a_changed_line_is_found(self):
        self.start_broker()
        self.submit("absent", "--input", "x")
        stop_gently(self.broker)
        log = self.folder / "quern" / "audit.log"
        log.write_text(log.read_text().replace('"action":"submit"', '"action":"nothing"'))
        done = self.quern("audit", "verify")
        self.assertEqual(done.code, 1)
        self.assertIn("line", done.out)

    def test_loaded_plugins_are_recorded(self):
        self.start_broker()
        self.start_worker("w")
        loaded = wait_until(lambda: self.audit("--action", "load plugin"), "the record")
        self.assertRegex(loaded[0]["object"], r"^libquern_test_functions\.so blake2b:[0-9a-f]{64}$")

    def test_the_audit_log_contains_no_payloads(self):
        self.start_broker()
        self.start_worker("w")
        self.ok("run", "echo", "--input", "a needle", "--name", "n")
        stop_gently(self.broker)
        self.assertNotIn("needle", (self.folder / "quern" / "audit.log").read_text() + self.broker.err)


if __name__ == "__main__":
    unittest.main()

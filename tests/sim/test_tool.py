"""quern-sim as a tool: policies, files, many seeds, drawings."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

SIM = pathlib.Path(os.environ["QUERN_BIN"]) / "quern-sim"
POLICIES = ["quern", "pull", "round-robin", "static-equal", "static-proportional"]
SMALL = {"machines": [{"rates": {"f": 100}, "count": 2}], "jobs": [{"function": "f", "tasks": 100}]}


class Tool(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_sim(self, *words):
        return subprocess.run([SIM, *words], capture_output=True, text=True, timeout=250, check=False)

    def played(self, *words):
        done = self.run_sim(*words)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def file(self, scenario):
        path = self.folder / "scenario.json"
        path.write_text(scenario if isinstance(scenario, str) else json.dumps(scenario), encoding="utf-8")
        return str(path)

    def changed(self, **keys):
        return self.file({**SMALL, **keys})

    def test_each_policy_prints_the_same_keys(self):
        keys = [set(self.played("--scenario", "slows", "--policy", policy)) - {"chunk"} for policy in POLICIES]
        for policy, found in zip(POLICIES, keys):
            self.assertEqual(found, keys[0], policy)

    def test_baselines_take_the_computed_time(self):
        machines = [{"rates": {"f": 100}}, {"rates": {"f": 300}}]
        case = {"machines": machines, "jobs": [{"function": "f", "tasks": 400}]}
        # Start and end cost a round trip of 1 ms each, a pull another one.
        for policy, seconds in [("round-robin", 2.002), ("static-equal", 2.002), ("static-proportional", 1.002)]:
            result = self.played("--scenario", self.file(case), "--policy", policy)
            self.assertAlmostEqual(result["makespan"], seconds, 6, policy)
            self.assertAlmostEqual(result["ideal"], 1, 6)
            self.assertAlmostEqual(result["list"], 1, 1)
        pull = self.played("--scenario", self.file(case), "--policy", "pull")
        # 1 / (1 / 11 ms + 1 / 4.33 ms) tasks a second
        self.assertAlmostEqual(pull["makespan"], 400 / (1 / 0.011 + 1 / (1 / 300 + 0.001)), 1)
        self.assertEqual((pull["leases"], pull["chunk"]), (400, 1))

    def test_changes_are_respected(self):
        one = {"rates": {"f": 100}}
        job = {"function": "f", "tasks": 200}
        cases = [
            # One machine slows to half in the middle, one freezes for 3 s, one vanishes and its
            # rest goes to the other after 3 s.
            ("static-equal", {"what": "speed", "at": 0.501, "machine": 0, "value": 0.5}, 1.502),
            ("static-equal", {"what": "freeze", "at": 0.501, "machine": 0, "value": 3}, 4.002),
            ("static-equal", {"what": "vanish", "at": 0.501, "machine": 0}, 3.501 + 0.5 + 0.001),
            ("round-robin", {"what": "vanish", "at": 0.501, "machine": 0}, 3.501 + 0.5 + 0.001),
            ("static-proportional", {"what": "vanish", "at": 0.501, "machine": 0}, 3.501 + 0.5 + 0.001),
        ]
        for policy, change, seconds in cases:
            path = self.file({"machines": [one, one], "jobs": [job], "changes": [change]})
            result = self.played("--scenario", path, "--policy", policy)
            self.assertAlmostEqual(result["makespan"], seconds, 6, (policy, change))
        for policy in ("quern", "pull"):
            path = self.file({"machines": [one, one], "jobs": [job], "changes": [{"what": "vanish", "at": 0.501, "machine": 0}]})
            result = self.played("--scenario", path, "--policy", policy)
            self.assertGreaterEqual(result["ratio"], 1, policy)
            self.assertLess(result["makespan"], 4.2, policy)

    def test_the_lower_bound_of_a_scenario_file_is_correct(self):
        cases = [
            ({"jobs": [{"function": "f", "sizes": [300, 1, 1]}]}, 3),                                   # the longest task
            ({"jobs": [{"function": "f", "tasks": 100, "at": 2}]}, 2.5),                                # not before its submission
            ({"jobs": [{"function": "f", "tasks": 1000}], "changes": [{"what": "freeze", "at": 1, "machine": 1, "value": 2}]}, 6),
            ({"machines": [{"rates": {"f": 100, "g": 1}}, {"rates": {"f": 1, "g": 100}}],
              "jobs": [{"function": "f", "tasks": 100}, {"function": "g", "tasks": 100}]}, 1),
            ({"ideal": 0.25}, 0.25),
        ]
        for keys, seconds in cases:
            self.assertAlmostEqual(self.played("--scenario", self.changed(**keys), "--policy", "pull")["ideal"], seconds, 6, keys)

    def test_the_example_in_help_and_readme_is_the_same_and_runs(self):
        def example(text):
            begin = text.index('{"name": "office"')
            return json.JSONDecoder().raw_decode(text[begin:])[0]

        readme = pathlib.Path(__file__).with_name("README.md").read_text(encoding="utf-8")
        scenario = example(readme)
        self.assertEqual(scenario, example(self.run_sim("--help").stdout))
        for policy in POLICIES:
            self.assertGreaterEqual(self.played("--scenario", self.file(scenario), "--policy", policy)["ratio"], 1)

    def test_jobs_of_one_function_have_their_own_sizes(self):
        jobs = [{"function": "f", "sizes": [100, 100]}, {"function": "f", "sizes": [1, 1]}]
        self.assertAlmostEqual(self.played("--scenario", self.changed(jobs=jobs))["makespan"], 1.01, 1)

    def test_an_error_names_the_key_and_what_is_expected(self):
        machine, job = SMALL["machines"][0], SMALL["jobs"][0]
        cases = [
            ("[]", ["an object is expected, not []"]),
            ("{", ["is not JSON", "line 1"]),
            ({**SMALL, "machine": []}, ["machine: there is no such key; there are", "machines"]),
            ({"jobs": [job]}, ["machines: is missing"]),
            ({**SMALL, "machines": []}, ["machines: a list of at least one machine"]),
            ({**SMALL, "machines": [{}]}, ["machines[0].rates: is missing", "function names and rates"]),
            ({**SMALL, "machines": [{"rates": {"f": 0}}]}, ["machines[0].rates.f: a number of tasks a second above 0 is expected, not 0"]),
            ({**SMALL, "machines": [{**machine, "slots": 0}]}, ["machines[0].slots: a whole number from 1 to 1000"]),
            ({**SMALL, "machines": [{**machine, "count": 1.5}]}, ["machines[0].count: a whole number from 1"]),
            ({**SMALL, "jobs": {}}, ["jobs: a list of at least one job"]),
            ({**SMALL, "jobs": [{"function": "f"}]}, ["jobs[0].tasks: is missing"]),
            ({**SMALL, "jobs": [{**job, "tasks": -1}]}, ["jobs[0].tasks: a whole number from 1", "not -1"]),
            ({**SMALL, "jobs": [{**job, "takes": "whole"}]}, ['jobs[0].takes: "item" or "range" is expected']),
            ({**SMALL, "jobs": [{**job, "at": -1}]}, ["jobs[0].at: a time in seconds, 0 or above"]),
            ({**SMALL, "jobs": [{**job, "sizes": [1, 2]}]}, ["jobs[0].sizes: a list of 100 numbers"]),
            ({**SMALL, "jobs": [{"function": "f", "sizes": [1, "2"]}]}, ["jobs[0].sizes[1]: a size above 0"]),
            ({**SMALL, "jobs": [{**job, "function": "g"}]}, ["jobs[0].function: a function that some machine has a rate for"]),
            ({**SMALL, "jobs": [job, {**job, "takes": "range"}]}, ["jobs[1].takes: the same as"]),
            ({**SMALL, "declared": 1}, ["declared: true or false is expected"]),
            ({**SMALL, "changes": [{"what": "melt", "at": 0, "machine": 0}]}, ['changes[0].what: "speed", "freeze" or "vanish"']),
            ({**SMALL, "changes": [{"what": "speed", "at": 0, "machine": 0}]}, ["changes[0].value: is missing; a share of the full speed"]),
            ({**SMALL, "changes": [{"what": "vanish", "at": 0, "machine": 2}]}, ["changes[0].machine: a whole number from 0 to 1"]),
            ({**SMALL, "changes": [{"what": "vanish", "at": 0, "machine": n} for n in (0, 1)]}, ["changes: machines that stay"]),
            ({**SMALL, "ideal": 0}, ["ideal: a time in seconds above 0"]),
        ]
        for scenario, words in cases:
            done = self.run_sim("--scenario", self.file(scenario))
            self.assertEqual(done.returncode, 2, (scenario, done.stdout))
            for word in words:
                self.assertIn(word, done.stderr, scenario)
            self.assertEqual(done.stderr.count("\n"), 1)
        self.assertIn("cannot be read", self.run_sim("--scenario", "./nowhere.json").stderr)

    def test_conflicting_options_are_refused(self):
        for words in (["--policy", "pull"], ["--scenario", "slows", "--policy", "fifo"], ["--timeline", "x.svg"], ["--scenario", "nothing"],
                      ["--scenario", "slows", "--seeds", "3", "--timeline", "x.svg"], ["--scenario", "slows", "--seeds", "0"],
                      ["--scenario", "slows", "--etc", "x"]):
            done = self.run_sim(*words)
            self.assertEqual((done.returncode, done.stdout), (2, ""), words)
            self.assertEqual(done.stderr.count("\n"), 1, words)

    def test_a_time_of_zero_is_a_valid_cost(self):
        with tempfile.NamedTemporaryFile("w", suffix=".etc") as table:
            table.write("2 2 0\n0 3\n0 0\n")
            table.flush()
            self.assertEqual(self.run_sim("--etc", table.name, "--policy", "pull").returncode, 0)
        with tempfile.NamedTemporaryFile("w", suffix=".etc") as table:
            table.write("1 1 0\n-1\n")
            table.flush()
            self.assertEqual(self.run_sim("--etc", table.name, "--policy", "pull").returncode, 2)

    def test_many_seeds_print_one_object(self):
        together = self.played("--scenario", "pareto", "--policy", "pull", "--seed", "3", "--seeds", "5")
        alone = [self.played("--scenario", "pareto", "--policy", "pull", "--seed", str(seed)) for seed in range(3, 8)]
        self.assertEqual((together["seed"], together["seeds"], together["troubled"]), (3, 5, 0))
        for key in ("ratio", "ratio_to_list"):
            ratios = sorted(run[key] for run in alone)
            self.assertAlmostEqual(together[key]["median"], ratios[2])
            self.assertAlmostEqual(together[key]["mean"], sum(ratios) / 5)
            self.assertAlmostEqual(together[key]["max"], ratios[4])
        self.assertEqual(self.run_sim("--scenario", "pareto", "--policy", "pull", "--seeds", "3", "--at-most", "1.0001").returncode, 1)

    def test_the_end_of_a_job_is_predicted_for_most_of_its_life(self):
        for scenario in ("rates-1-2-3", "slows", "freezes", "vanishes", "two-functions"):
            self.assertGreaterEqual(self.played("--scenario", scenario)["estimate_good"], 0.8, scenario)

    def test_a_small_job_does_not_wait_for_a_large_one(self):
        small = self.played("--scenario", "small-behind-large")["jobs_s"][1]
        self.assertLess(small, 2.5 * 0.13 + 0.1)  # alone it takes 0.13 s

    def test_an_unknown_function_gets_its_share_although_one_worker_is_slow(self):
        # One slow machine makes all others "good" at f, which is no reason to leave g to the slow
        # one. Half of ten machines at 10/s need 20 s for g.
        for scale in (1, 20):
            machines = [{"rates": {"f": 100, "g": 10}, "count": 9 * scale}, {"rates": {"f": 20, "g": 10}, "count": scale}]
            jobs = [{"function": "f", "tasks": 54000 * scale}, {"function": "g", "tasks": 1000 * scale, "at": 3}]
            played = self.played("--scenario", self.file({"machines": machines, "jobs": jobs}))
            self.assertLess(played["jobs_s"][1], 22, played)

    def test_a_queue_with_known_costs_is_planned_once_and_beats_a_pull_queue(self):
        for scenario in ("consistent", "inconsistent", "semi"):
            played = self.played("--scenario", scenario)
            self.assertEqual(played["plans"], 1)
            self.assertLess(played["ratio_to_list"], 0.75, scenario)

    def test_a_timeline_is_xml_and_shows_what_ran(self):
        for policy in POLICIES:
            drawn = self.folder / "out.svg"
            self.played("--scenario", "vanishes", "--policy", policy, "--timeline", str(drawn))
            root = xml.etree.ElementTree.parse(drawn).getroot()
            self.assertEqual(root.tag, "{http://www.w3.org/2000/svg}svg")
            titles = [title.text for title in root.iter("{http://www.w3.org/2000/svg}title")]
            self.assertIn(f"vanishes, shared out by {policy}", titles[0])
            self.assertTrue(any(title.startswith("w8: f") for title in titles), policy)
            self.assertTrue(any("w1 vanishes" in title for title in titles), policy)
            self.assertTrue(any("its work was not used" in title for title in titles), policy)
            drawn.unlink()

    def test_a_timeline_that_cannot_be_written_is_reported(self):
        done = self.run_sim("--scenario", "three-tasks", "--timeline", str(self.folder / "no" / "out.svg"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("--timeline", done.stderr)

    def test_names_in_a_scenario_file_do_not_break_the_drawing(self):
        name = "<f> & \"g\" \u0001"
        scenario = {"name": name, "machines": [{"rates": {name: 100}}], "jobs": [{"function": name, "tasks": 100}]}
        drawn = self.folder / "out.svg"
        self.played("--scenario", self.file(scenario), "--policy", "pull", "--timeline", str(drawn))
        xml.etree.ElementTree.parse(drawn)


if __name__ == "__main__":
    unittest.main()

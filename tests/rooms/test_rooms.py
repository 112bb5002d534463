"""All sources obey the include table, and a planted violation is found."""

import pathlib
import tempfile
import unittest

import rooms
import sizes

TOP = pathlib.Path(__file__).resolve().parents[2]

ALLOWED = [
    ("sdk/include/quern/job.hpp", "#include <string>\n#include \"quern/bytes.hpp\"\n"),
    ("sdk/include/quern/typed.hpp", "#include <msgpack.hpp>\n"),
    ("sdk/wire/codec_decode.cpp", "#include <msgpack.hpp>\n#include \"wire/messages.hpp\"\n"),
    ("sdk/bench/baseline.cpp", "#include <zmq.hpp>\n"),
    ("broker/core/core.cpp", "#include \"wire/messages.hpp\"\n#include <chrono>\n"),
    ("broker/core/core.cpp", "// reads no steady_clock::now\n/* #include <zmq.hpp> */\n"),
    ("broker/actors/router.cpp", "#include \"broker/core/core.hpp\"\n#include <zmq.hpp>\n"),
    ("sdk/cli/output/json.cpp", "#include \"cli/syntax/options.hpp\"\n#include \"cli/output/json.hpp\"\n"),
    ("sdk/cli/main.cpp", "#include \"cli/commands/command.hpp\"\n"),
]

FORBIDDEN = [
    ("sdk/include/quern/job.hpp", "#include <msgpack.hpp>\n"),
    ("sdk/include/quern/job.hpp", "#include \"wire/messages.hpp\"\n"),
    ("sdk/wire/messages.hpp", "#include <msgpack.hpp>\n"),
    ("sdk/wire/batch.cpp", "#include <zmq.hpp>\n"),
    ("sdk/wire/batch.cpp", "#include \"runtime/socket.hpp\"\n"),
    ("sdk/runtime/socket.cpp", "#include \"wire/messages.hpp\"\n"),
    ("sdk/value/value.cpp", "#include \"wire/messages.hpp\"\n"),
    ("sdk/client/core.cpp", "#include <zmq.hpp>\n"),
    ("sdk/client/core.cpp", "#include <mutex>\n"),
    ("sdk/cli/run.cpp", "#include \"wire/limits.hpp\"\n"),
    ("sdk/cli/run.cpp", "#include \"runtime/signals.hpp\"\n"),
    ("sdk/cli/run.cpp", "#include \"broker/core/core.hpp\"\n"),
    ("sdk/cli/run.cpp", "#include <zmq.hpp>\n"),
    ("sdk/cli/syntax/options.cpp", "#include \"cli/output/json.hpp\"\n"),
    ("sdk/cli/output/json.cpp", "#include \"cli/commands/command.hpp\"\n"),
    ("sdk/cli/new_folder/x.cpp", "#include \"cli/output/json.hpp\"\n"),
    ("sdk/bench/modes.cpp", "#include \"wire/batch.hpp\"\n"),
    ("sdk/examples/square.cpp", "#include \"worker/core/outbox.hpp\"\n"),
    ("broker/core/core.cpp", "#include <thread>\n"),
    ("broker/core/core.cpp", "#include \"wire/codec.hpp\"\n"),
    ("broker/core/core.cpp", "auto now = std::chrono::steady_clock::now();\n"),
    ("worker/core/outbox.cpp", "#include <spdlog/spdlog.h>\n"),
    ("worker/core/outbox.cpp", "  std::cerr << 1;\n"),
    ("worker/actors/link.cpp", "#include \"broker/core/core.hpp\"\n"),
    ("broker/actors/router.cpp", "#include \"worker/core/outbox.hpp\"\n"),
    ("broker/actors/router.cpp", "#include <somebody/else.hpp>\n"),
    ("sdk/new_room/thing.cpp", "#include <string>\n"),
]


class TheTree(unittest.TestCase):
    def test_every_include_is_allowed(self):
        found = rooms.check_tree(TOP)
        self.assertEqual(found, [], "\n" + "\n".join(found))

    def test_no_class_of_a_core_is_too_large(self):
        found = sizes.check_tree(TOP)
        self.assertEqual(found, [], "\n" + "\n".join(found))

    def test_every_row_of_the_table_matches_files(self):
        """A row that matches no file checks nothing: its files were renamed."""
        later = {"sdk/keys/*", "sdk/examples/*"}
        paths = [p.relative_to(TOP).as_posix() for f in ("sdk", "broker", "worker") for p in (TOP / f).rglob("*.?pp")]
        for room in rooms.ROOMS:
            if room.pattern in later:
                continue
            with self.subTest(room=room.pattern):
                self.assertTrue(any(rooms.room_of(path) == room for path in paths))


class TheCheck(unittest.TestCase):
    def test_allowed_includes_pass(self):
        for path, text in ALLOWED:
            with self.subTest(path=path, text=text):
                self.assertEqual(rooms.check_file(path, text), [])

    def test_forbidden_includes_are_found(self):
        for path, text in FORBIDDEN:
            with self.subTest(path=path, text=text):
                self.assertEqual(len(rooms.check_file(path, text)), 1)

    def test_a_planted_violation_in_a_tree_is_found_with_its_line(self):
        with tempfile.TemporaryDirectory() as folder:
            top = pathlib.Path(folder)
            planted = top / "broker" / "core" / "planted.cpp"
            planted.parent.mkdir(parents=True)
            planted.write_text("#include <string>\n\n#include <zmq.hpp>\n")
            self.assertEqual(rooms.check_tree(top), ["broker/core/planted.cpp:3: broker/core/* may not include zmq.hpp"])

    def test_a_new_file_at_the_top_level_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "notes.txt").write_text("")
            self.assertEqual(rooms.check_tree(folder), ["notes.txt:1: the top level is closed"])


class TheSizes(unittest.TestCase):
    def test_methods_and_members_are_counted(self):
        text = """
        // struct InAComment { int a; };
        class Two : public Base {
         public:
          Two(int a, int b) : a_(a), b_{b} {}
          std::map<int, int> all() const { return {}; }
          template <typename F> void each(F&& f) { if (f()) { a_ = 1; } }
          static constexpr int kMost = 3;
          enum class Kind : int { one, two };
          struct Nested { int x = 0, y = 0; };
         private:
          void run();
          std::map<std::pair<int, int>, std::string> table_;
          int a_ = 0, b_{1};
          std::function<void(int)> call_;
          Nested nested_{};
        };
        """
        found = {size.name: (size.methods, size.members) for size in sizes.sizes_of(text)}
        self.assertEqual(found, {"Two": (4, 5), "Nested": (0, 2)})

    def test_a_planted_class_that_is_too_large_is_found(self):
        with tempfile.TemporaryDirectory() as folder:
            planted = pathlib.Path(folder) / "broker" / "core" / "planted.hpp"
            planted.parent.mkdir(parents=True)
            planted.write_text("struct A {\n" + "".join(f"  int m{i};\n" for i in range(16)) + "};\n"
                               "class B {\n" + "".join(f"  void f{i}();\n" for i in range(41)) + "};\n")
            found = sizes.check_tree(folder)
            self.assertEqual([line.split(" has ")[0] for line in found],
                             ["broker/core/planted.hpp:1: A", "broker/core/planted.hpp:19: B"])


if __name__ == "__main__":
    unittest.main()

"""A million items in one submit, and input that is larger than the memory it may use."""

import unittest

from rig import SANITIZED, Rig, resident_bytes

MILLION = 1_000_000


class Large(Rig):
    def test_a_million_items_come_back_in_order_and_the_broker_stays_small(self):
        self.start_broker()
        self.start_worker("w", slots=2)
        self.ok("run", "same", "--range", "0:1000")  # warm up, so that one-time costs are not counted
        before = resident_bytes(self.broker.pid)
        items = "".join(f"{i:016}\n" for i in range(MILLION)).encode()
        done = self.ok("run", "echo", "--items", self.write("items", items))
        self.assertEqual(done.raw, items)
        if SANITIZED:
            return  # memory figures mean nothing under a sanitizer
        growth = resident_bytes(self.broker.pid, "VmHWM") - before
        self.assertLess(growth / MILLION, 64, "bytes a task")

    def test_unordered_results_are_all_there(self):
        self.start_broker()
        self.start_worker("w", slots=2)
        done = self.ok("run", "same", "--range", "0:100000", "--unordered", "--json")
        self.assertEqual(sorted(result["index"] for result in done.objects), list(range(100000)))

    @unittest.skipIf(SANITIZED, "a sanitizer's memory is not ours")
    def test_a_long_range_uses_no_memory(self):
        self.start_broker()
        self.start_worker("w")
        before = resident_bytes(self.broker.pid)
        self.ok("run", "sum", "--range", "0:1000000000")
        self.assertLess(resident_bytes(self.broker.pid, "VmHWM") - before, 16 << 20)


if __name__ == "__main__":
    unittest.main()

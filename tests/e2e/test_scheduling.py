"""What users see of scheduling: costs, requirements, explanations, timelines."""

import json
import pathlib
import unittest
import xml.etree.ElementTree

from rig import Rig, wait_until


class Scheduling(Rig):
    def setUp(self):
        super().setUp()
        self.start_broker()

    def explain(self, number):
        return self.ok("explain", number).out

    def test_declared_costs_have_a_rate_of_their_own(self):
        self.start_worker("w")
        items = self.write("items", "1000\n" * 200)
        costs = self.write("costs", "1\n" * 200)
        done = self.ok("run", "spin", "--items", items, "--costs", costs)
        self.assertEqual(len(done.lines), 200)
        rates = {rate["function"]: rate for rate in self.workers()[0]["rates"]}
        self.assertGreater(rates["spin by cost"]["rate"], 0)
        self.assertLessEqual(rates["spin by cost"]["uncertainty"], 1)

    def test_missing_or_invalid_costs_are_reported(self):
        self.start_worker("w")
        items = self.write("items", "1\n2\n3\n")
        self.assert_one_line(self.quern("run", "echo", "--items", items, "--costs", self.write("few", "1\n")), 2, "more items")
        self.assert_one_line(self.quern("run", "echo", "--items", items, "--costs", self.write("bad", "1\nx\n1\n")), 2, "line 2", "'x'")
        self.assert_one_line(self.quern("run", "sum", "--range", "0:5", "--costs", items), 2, "--cost")

    def test_a_counted_resource_is_granted_to_one_lease_at_a_time(self):
        self.start_worker("w", "--resource", "gpu=1", slots=4)
        items = self.write("items", "50000\n" * 8)
        number = self.submit("sleep", "--items", items, "--require", "gpu=1")
        most = 0

        def over():
            nonlocal most
            most = max(most, self.job(number)["leased"])
            return self.job(number)["state"] == "done"

        wait_until(over, "the end of the job")
        self.assertEqual(most, 1)

    def test_a_requirement_that_no_worker_meets_is_reported(self):
        self.start_worker("w")
        number = self.submit("echo", "--input", "x", "--require", "mem=9999TiB")
        wait_until(lambda: self.job(number)["reason"], "a reason to wait")
        self.assertIn("requirements", self.job(number)["reason"])
        self.assertIn("mem=9999TiB", self.explain(number))

    def test_explain_shows_where_work_goes_and_when_it_ends(self):
        self.start_worker("w")
        number = self.submit("spin", "--items", self.write("items", "2000\n" * 3000))
        wait_until(lambda: self.job(number)["done"] > 100, "some results")
        text = self.explain(number)
        self.assertNotIn("units of cost", text)
        for part in ("Worker w finished", "tasks/s", "It should end in about", "plus or minus", "This assumes"):
            self.assertIn(part, text)
        status = self.job(number)
        self.assertGreater(status["eta_s"], 0)
        self.assertGreater(status["eta_error_s"], 0)
        self.ok("cancel", number)

    def test_a_timeline_shows_every_task(self):
        self.start_worker("a")
        self.start_worker("b", slots=2)
        number = self.submit("spin", "--items", self.write("items", "500\n" * 400))
        self.ok("wait", number)
        file = pathlib.Path(self.folder) / "out.svg"
        self.ok("job", number, "--timeline", str(file))
        drawing = xml.etree.ElementTree.parse(file).getroot()
        self.assertTrue(drawing.tag.endswith("svg"))
        titles = [title.text for title in drawing.iter() if title.tag.endswith("title")]
        self.assertTrue(any("done" in (title or "") for title in titles))
        self.assert_one_line(self.quern("job", number, "--timeline", "/nowhere/out.svg"), 2, "cannot write /nowhere/out.svg")


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""Tests of the benchmark itself: no engine, no network, a second or two. `bench/selftest.py`

The canary: every kind of wrong answer planted here must be found, or the benchmark would praise wrong answers.
"""

import ast
import json
import pathlib
import string
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from harness import compare, measure, memory_limit, questions, real, report, runner, values  # noqa: E402

BY_ID = {question.id: question for question in questions.ALL}
T0 = 1_795_550_400_142_825_930


class Answers(unittest.TestCase):
    def differ(self, question, rows, reference, bands=None):
        return compare.differences(BY_ID[question], rows, reference, bands)

    def test_equal_answers_agree_in_any_order_and_form(self):
        reference = [[T0, "cart", "one"], [T0 + 1, "cart", "two"]]
        rows = [["2026-11-24T20:00:00.142825931Z", "cart", "two"], ["2026-11-24T20:00:00.14282593Z", "cart", "one"]]
        self.assertEqual(self.differ("rare_word", rows, reference), [])
        self.assertEqual(self.differ("phrase", [["7"]], [[7]]), [])
        self.assertEqual(self.differ("level_per_minute", [[None, T0, 3]], [["", str(T0), "3"]]), [])
        self.assertEqual(self.differ("absent_word", [], []), [])

    def test_canary_every_planted_error_is_found(self):
        reference = [[T0, "cart", "one"], [T0 + 1, "cart", "two"]]
        planted = {
            "a row less": reference[:1],
            "no rows": [],
            "a row twice": reference + reference[:1],
            "another text": [[T0, "cart", "one "], reference[1]],
            "another service": [[T0, "auth", "one"], reference[1]],
            "a nanosecond later": [[T0 + 1, "cart", "one"], reference[1]],
            "a column less": [[T0, "cart"], reference[1]],
            "no time": [["yesterday", "cart", "one"], reference[1]],
        }
        for what, rows in planted.items():
            self.assertTrue(self.differ("rare_word", rows, reference), what)
        self.assertTrue(self.differ("phrase", [[7]], [[8]]))
        self.assertTrue(self.differ("phrase", [], [[0]]))
        self.assertTrue(self.differ("top_services", [["cart", 5], ["auth", 3]], [["cart", 5], ["auth", 4]]))

    def test_canary_quantiles_out_of_their_bands_are_found(self):
        reference = [["cart", 100, 900], ["auth", 10, 20]]
        bands = [["cart", 95, 105, 850, 950], ["auth", 9, 11, 19, 30]]
        good = [["auth", 10.2, 29.5], ["cart", 104.9, 851.0]]
        self.assertEqual(self.differ("quantiles_by_service", good, reference, bands), [])
        for rows in ([["auth", 10, 40], good[1]], [["auth", 5, 20], good[1]], good[:1], [*good, ["mail", 1, 1]], [["auth", "x", 1], good[1]]):
            self.assertTrue(self.differ("quantiles_by_service", rows, reference, bands), rows)
        # Without bands two estimates may differ by a share only.
        self.assertEqual(self.differ("quantiles_by_service", [["cart", 102, 890], ["auth", 10, 20]], reference), [])
        self.assertTrue(self.differ("quantiles_by_service", [["cart", 120, 890], ["auth", 10, 20]], reference))
        self.assertEqual(self.differ("p99_per_minute", [["2026-11-24T20:00:00Z", 7]], [[T0, 1]], [[1_795_550_400_000_000_000, 6, 8]]), [])

    def test_messages_say_what_differs(self):
        found = self.differ("errors_by_service", [["cart", 5]], [["cart", 4], ["auth", 1]])
        self.assertEqual(found, ["1 rows, the reference has 2", "not in the reference: cart, 5", "missing: auth, 1", "missing: cart, 4"])

    def test_check_names_the_system_that_differs(self):
        answers = {"phrase": {"clewline": [[3]], "clickhouse": [[4]], "duckdb": [[4]]}, "number_quantiles": {"duckdb": [[1, 9]], "clewline": [[5, 9]]}}
        found = runner.check(answers, {"number_quantiles": [[0, 2, 8, 10]]}, "duckdb")
        self.assertEqual([(wrong["question"], wrong["system"]) for wrong in found], [("phrase", "clewline"), ("number_quantiles", "clewline")])
        self.assertEqual(runner.check({"phrase": {"clewline": [[3]]}}, {}, "duckdb"), [])

    def test_times(self):
        self.assertEqual(compare.nanoseconds("1970-01-01T00:00:01Z"), 10**9)
        self.assertEqual(compare.nanoseconds("2026-11-24 20:00:00.142825930"), T0)
        self.assertEqual(compare.nanoseconds(str(T0)), T0)


class Ratios(unittest.TestCase):
    def test_above_one_means_clewline_is_better(self):
        self.assertEqual(report.ratio(2.0, 6.0), 3.0)
        self.assertEqual(report.ratio(600.0, 200.0, larger_is_better=True), 3.0)
        self.assertEqual(report.ratio(4.0, 2.0), 0.5)
        for ours, theirs in ((None, 1.0), (1.0, None), (0.0, 1.0), (1.0, 0.0)):
            self.assertIsNone(report.ratio(ours, theirs))

    def test_means_and_growth(self):
        self.assertAlmostEqual(report.geometric_mean([4.0, 0.25, None]), 1.0)
        self.assertIsNone(report.geometric_mean([None]))
        self.assertEqual(report.growth(2.0, 3.0), 1.5)
        self.assertIsNone(report.growth(None, 3.0))

    def run_result(self, scale=1, factor=1.0):
        def system(cpu, wall):
            figures = {"form": "jsonl", "cpu_us_per_record": cpu, "records_per_s": 10.0, "disk_bytes_per_record": 40.0, "peak_mb": 200.0}
            return {"ingest": {"logs": figures}, "questions": {"needle_id": {"wall_ms": wall * factor, "cpu_ms": wall}}}

        return {
            "dataset": "test", "kind": "generated", "scale": scale, "goals": scale == 1, "logs": 1, "spans": 0, "disagreements": [],
            "systems": {"clewline": system(3.0, 4.5), "peer": system(9.0, 2.25)},
        }  # fmt: skip

    def test_tables_hold_ratios_and_marks(self):
        header, rows = report.ingest_table(self.run_result())
        self.assertEqual(header[-1], "peer")
        self.assertEqual(rows[0][1:], ["3.50", "3.00", "✓", "9.00 (3.00x)"])
        self.assertEqual(rows[2][1:4], ["31.0", "40.0", "✗"])
        _, rows = report.question_table(self.run_result(), "wall_ms", True)
        self.assertEqual(rows[0][1:], ["4.00", "4.50", "✗", "2.25 (0.50x)", "agree"])
        met = {goal["measure"]: goal["met"] for goal in report.goals(self.run_result())}
        self.assertEqual((met["ingest logs cpu_us_per_record"], met["question needle_id wall_ms"]), (True, False))
        self.assertEqual(report.goals(self.run_result(10)), [])
        summary = report.summary(self.run_result())["peer"]
        self.assertEqual(summary["wall_ms"], {"geometric_mean": 0.5, "better": 0, "compared": 1})
        self.assertEqual(summary["ingest_logs"]["cpu_us_per_record"], 3.0)

    def test_growth_compares_smallest_and_largest_scale(self):
        _, rows = report.growth_table([self.run_result(), self.run_result(10, 1.4)])
        self.assertEqual(rows[0][:6], ["needle: one trace id in the logs", "clewline", "1.50", "1.40", "✓", "1.00"])
        _, rows = report.growth_table([self.run_result(), self.run_result(10, 1.6)])
        self.assertEqual(rows[0][4], "✗")

    def test_a_difference_is_shown_in_every_form(self):
        run = self.run_result()
        run["disagreements"] = [{"question": "needle_id", "system": "peer", "reference": "clewline", "differences": ["1 rows"]}]
        result = {"version": "1", "machine": {"cores": 1, "cpu": "x", "memory_gb": 1, "kernel": "k", "load_before": 0}, "runs": [run]}
        for markdown in (False, True):
            text = report.text(result, markdown)
            self.assertIn("DIFFER: needle_id: peer against clewline", text)
        self.assertEqual(report.render(["a", "b"], [["x|y", "1"]], True), "| a | b |\n|---|---|\n| x\\|y | 1 |")


class Data(unittest.TestCase):
    def test_times_of_log_lines(self):
        self.assertEqual(real.access_time_ns('1.2.3.4 - - [26/Jan/2019:19:45:25 +0330] "GET'), 1_548_519_325 * 10**9)
        self.assertEqual(real.plain_time_ns("[1970-01-01 00:00:01,250] INFO"), 1_250_000_000)
        self.assertIsNone(real.plain_time_ns("no time here"))

    def test_repeated_and_broken_spans_are_left_out(self):
        def span(number, trace="a" * 32):
            return {"traceId": trace, "spanId": f"{number:016x}", "name": "n", "startTimeUnixNano": "5", "endTimeUnixNano": "9"}

        request = {
            "resourceSpans": [
                {
                    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "cart"}}]},
                    "scopeSpans": [{"scope": {"name": "s"}, "spans": [span(1), span(2), span(1), span(3, trace="")]}],
                }
            ]
        }
        with tempfile.TemporaryDirectory() as folder:
            writer = real.Writer(pathlib.Path(folder), 1_000)
            real.otlp_spans([json.dumps(request), json.dumps(request)], writer)
            writer.flush("spans")
            lines = [json.loads(line) for line in pathlib.Path(f"{folder}/spans/000000.jsonl").read_text().splitlines()]
            otlp = json.loads(pathlib.Path(f"{folder}/spans-otlp/000000.json").read_text())
        self.assertEqual([line["span_id"][-1] for line in lines], ["1", "2"])
        self.assertEqual((lines[0]["duration_ns"], lines[0]["service"], lines[0]["status"]), (4, "cart", "unset"))
        self.assertEqual(sum(len(s["spans"]) for r in otlp["resourceSpans"] for s in r["scopeSpans"]), 2)

    def test_values_are_words_that_every_system_sees_alike(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "0.jsonl"
            texts = ["Disk full after 3 s, start_time set", "Disk full again, zebra crossing"] * 20 + ["zebra start"]
            lines = [{"time": "2026-01-01T00:00:00Z", "service": "full", "host": "h", "message": text} for text in texts]
            path.write_text("".join(json.dumps(line) + "\n" for line in lines))
            chosen = values.log_values([path])
        self.assertEqual(chosen["frequent_word"], "disk")
        self.assertNotIn(chosen.get("rare_word"), ("start", "full"))
        self.assertEqual(chosen["phrase"], "disk full")
        self.assertEqual((chosen["start_ns"], chosen["absent_word"]), (str(1_767_225_600 * 10**9), "xylographer"))


class Harness(unittest.TestCase):
    def test_every_question_has_all_its_values_in_every_language(self):
        names = {"has_numbers", "phrase_tokens", "range", *(need for question in questions.ALL for need in question.needs)}
        for path in sorted((HERE / "systems").glob("*.py")):
            for name, table in _tables(path).items():
                if not name.endswith("QUESTIONS"):
                    continue
                for question, text in table.items():
                    self.assertIn(question, BY_ID, path.name)
                    used = set(string.Template(text).get_identifiers() if hasattr(string.Template, "get_identifiers") else [])
                    self.assertLessEqual(used, names, f"{path.name}: {question}")

    def test_processor_clock_of_another_process_runs(self):
        import subprocess

        child = subprocess.Popen([sys.executable, "-c", "import time\nwhile True: pass"])
        try:
            time.sleep(0.3)
            self.assertGreater(measure.cpu_s(child.pid), 0.02)
            self.assertGreater(measure.peak_mb(child.pid), 1)
        finally:
            child.kill()
            child.wait()

    def test_eviction_is_looked_at(self):
        with tempfile.TemporaryDirectory(dir=HERE) as folder:
            path = pathlib.Path(folder) / "file"
            path.write_bytes(b"x" * (1 << 20))
            with open(path, "rb") as file:
                self.assertGreater(measure._cached_bytes(file.fileno(), 1 << 20), 0)
            self.assertTrue(measure.evict(pathlib.Path(folder), whole_machine=False).startswith("fadvise"))

    def test_no_cgroup_is_a_clear_skip(self):
        before = memory_limit.ROOT
        memory_limit.ROOT = pathlib.Path("/nonexistent")
        try:
            with self.assertRaises(OSError):
                memory_limit.Cgroup(1 << 28)
        finally:
            memory_limit.ROOT = before


def _tables(path: pathlib.Path) -> dict:
    """The tables of questions of a system, without importing its library: names of values in the source text are enough."""
    tables = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            entries = {}
            for key, value in zip(node.value.keys, node.value.values):
                if isinstance(key, ast.Constant):
                    texts = [part.value for part in ast.walk(value) if isinstance(part, ast.Constant) and isinstance(part.value, str)]
                    entries[key.value] = " ".join(texts)
            tables[node.targets[0].id] = entries
    return tables


if __name__ == "__main__":
    unittest.main()

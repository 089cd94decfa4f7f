"""What to ask of a real data set: words, phrases and ids that are in it, chosen by counting, the same way for every set."""

import collections
import json
import pathlib
import re

from harness.compare import nanoseconds

WORD = re.compile(r"\w+")
ASCII_WORD = re.compile(r"[A-Za-z0-9]+")
PAIR = re.compile(r"\b([A-Za-z]{3,}) ([A-Za-z]{3,})\b")
# Systems differ in what a word is; only words are asked for that all of them see in the same lines.
PLAIN = re.compile(r"[a-z]{3,}")
RARE_MIN, RARE_MAX = 2, 60
ABSENT = "xylographer"
CANDIDATES = 40
# Phrases are looked for in every so many lines first.
SAMPLE = 20


def _period(times: list[int]) -> dict:
    return {"start_ns": str(min(times)), "end_ns": str(max(times))}


def _records(files: list[pathlib.Path]):
    for file in files:
        with open(file) as lines:
            for line in lines:
                yield json.loads(line)


def log_values(files: list[pathlib.Path]) -> dict:
    words, ascii_words, pairs = collections.Counter(), collections.Counter(), collections.Counter()
    services, taken, needle, ids = collections.Counter(), set(), None, 0
    first, last = "9", ""
    for number, record in enumerate(_records(files)):
        message = record["message"]
        first, last = min(first, record["time"]), max(last, record["time"])
        lower = message.lower()
        words.update(set(WORD.findall(lower)))
        ascii_words.update(set(ASCII_WORD.findall(lower)))
        if number % SAMPLE == 0:
            pairs.update(set(PAIR.findall(message)))
        services[record["service"]] += 1
        taken.update(WORD.findall(f"{record['service']} {record.get('level', '')} {record['host']}".lower()))
        if record.get("trace_id"):
            ids += 1
            needle = record["trace_id"] if ids == 1000 or needle is None else needle
    usable = [(count, word) for word, count in words.items() if ascii_words[word] == count and PLAIN.fullmatch(word) and word not in taken]
    usable.sort(reverse=True)
    rare = [word for count, word in usable if RARE_MIN <= count <= RARE_MAX and len(word) >= 5]
    values = {
        "absent_word": None if words[ABSENT] else ABSENT,
        "frequent_word": usable[0][1] if usable else None,
        "rare_word": rare[len(rare) // 2] if rare else None,
        "busy_service": services.most_common(3)[-1][0],
        "needle_trace_id": needle,
    }
    return {name: value for name, value in {**values, **_phrases(files, pairs), **_period([nanoseconds(first), nanoseconds(last)])}.items() if value}


def _phrases(files: list[pathlib.Path], pairs: collections.Counter) -> dict:
    """A pair of words, a piece of it, and a regular expression with it: all with one meaning in every system."""
    candidates = [pair for pair, _ in pairs.most_common(CANDIDATES * 3)[::3]]
    tests = {pair: _counts(pair) for pair in candidates}
    for record in _records(files):
        message = record["message"]
        lower = message.lower()
        for test in tests.values():
            test(message, lower)
    for pair in candidates:
        counts = tests[pair].counts
        if counts["phrase"] == counts["bounded"] and counts["piece"] == counts["piece_any_case"]:
            first, second = pair
            return {"phrase": f"{first} {second}".lower(), "substring": f"{first[1:]} {second[:-1]}", "regex": f"{first}.{{0,3}}{second}"}
    return {}


class _counts:
    """Counts lines with a pair of words, by several readings of it."""

    def __init__(self, pair: tuple):
        first, second = pair
        self.phrase = f"{first} {second}".lower()
        self.piece = f"{first[1:]} {second[:-1]}"
        self.bounded = re.compile(rf"(?<!\w){self.phrase}(?!\w)")
        self.counts = collections.Counter()

    def __call__(self, message: str, lower: str) -> None:
        if self.piece.lower() in lower:
            self.counts["piece_any_case"] += 1
            self.counts["piece"] += self.piece in message
            if self.phrase in lower:
                self.counts["phrase"] += 1
                self.counts["bounded"] += self.bounded.search(lower) is not None


def span_values(files: list[pathlib.Path]) -> dict:
    """The service with the third most spans, and a trace of middling size."""
    services, traces = collections.Counter(), collections.Counter()
    first, last = 1 << 63, 0
    for record in _records(files):
        services[record["service"]] += 1
        traces[record["trace_id"]] += 1
        first, last = min(first, record["start_ns"]), max(last, record["start_ns"])
    by_size = sorted(traces.items(), key=lambda item: (item[1], item[0]))
    return {"busy_service": services.most_common(3)[-1][0], "trace_id": by_size[len(by_size) // 2][0], **_period([first, last])}

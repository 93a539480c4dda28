"""`feeds infer` on the files of the demo company, held against its hand-written feeds: the right feed, and column by column."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from risk_pipeline.contracts.feed_evidence import EVIDENCE_TABLES
from risk_pipeline.contracts.feed_reference import REFERENCE_TABLES
from risk_pipeline.demo.generator import generate
from risk_pipeline.feeds.files import take_receipt
from risk_pipeline.feeds.infer_columns import Answers
from risk_pipeline.feeds.infer_ledger import infer
from risk_pipeline.feeds.sample import Given, read_sample
from risk_pipeline.feeds.spec import load_feeds


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("infer") / "demo"
    generate(root)
    return root


def test_names_and_contents_lead_to_what_a_person_wrote(demo: Path, tmp_path: Path) -> None:
    right, wrong, missing = 0, [], []
    evidence = {table.name for table in (*EVIDENCE_TABLES, *REFERENCE_TABLES)}  # their headers are the publishers' own
    for loaded in load_feeds(demo / "feeds"):
        if loaded.spec.feed in evidence:
            continue
        spec, path = loaded.spec, demo / loaded.spec.source.path
        sample = read_sample(take_receipt(path, demo), Given(), tmp_path)
        feed = next((each for each in infer(path.name, sample, Answers()).feeds if each.feed == spec.feed), None)
        if spec.feed == "instalment_plan":  # its lines stand in the same file, and each repeats it
            assert feed is None
            continue
        assert feed is not None, spec.feed
        assert not feed.questions
        for name, written in spec.columns.items():
            if written.value is not None and written.value == spec.table.column(name).absent:
                continue  # filled in by the reader of the YAML
            guess = feed.column(name)
            if guess is None:
                missing.append(f"{spec.feed}.{name}")
            elif origin(guess.spec) == origin(written.model_dump(by_alias=True)):
                right += 1
            else:
                wrong.append(f"{spec.feed}.{name}")
    assert right > 135
    # Numbers that start again in each year and company: proposed plain, with that doubt.
    assert wrong == ["invoice.invoice_id", "credit_note.credit_note_id"]
    # Types with codes of the company's own, and constants that stand in no file.
    assert set(missing) <= {"customer.industry_scheme", "customer.segment", "invoice.doc_type", "credit_note.reason"}


def origin(keys: Mapping[str, Any]) -> tuple[Any, ...]:
    """Where a column comes from, and the date format that goes with it."""
    return tuple(keys.get(name) for name in ("from", "template", "value", "format"))

"""Names made comparable, and how like two of them are."""

from __future__ import annotations

import pytest

from risk_pipeline.screening.match import Weights, likeness, word_likeness
from risk_pipeline.screening.names import read_listed, read_name, read_names

THRESHOLD = 0.8  # policy screening.threshold


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("Société Générale S.A.", "societe generale"),
        ("ANGLO-CARIBBEAN CO., LTD.", "anglo caribbean"),
        ("ООО «Стройтрансгаз»", "stroytransgaz"),
        ("AUDIO ALARMAS, S.A. DE C.V.", "audio alarmas"),
        ("Nordwald GmbH & Co. KG", "nordwald"),
        ("AL-QA'IDA", "al qaida"),
        ("ＡＢＣ　Ｔｒａｄｉｎｇ　Ｌｔｄ", "abc trading"),
        ("PT Sinar Jaya Tbk", "sinar jaya"),
        ("J.P. Ocean", "jp ocean"),
        ("Limited", "limited"),
        ("Łódź Straße", "lodz strasse"),
    ],
)
def test_read_in_one_form(written: str, words: str) -> None:
    first, *_ = read_name(written)
    assert " ".join(first.words) == words


def test_a_hyphen_may_join_or_part() -> None:
    assert [" ".join(name.words) for name in read_name("Quan-guo CHEN")] == ["quan guo chen", "quanguo chen"]


def test_chinese_is_read_by_sound_and_with_its_business_words_translated() -> None:
    readings = {" ".join(name.words) for name in read_name("大连海运有限公司")}
    assert readings == {"da lian hai yun", "dalian shipping"}


@pytest.mark.parametrize("written", ["", " ... ", "«»", "-"])
def test_nothing_to_compare(written: str) -> None:
    assert read_name(written) == ()


# What the list has, what a customer is called, whether it may be the same.
PAIRS = [
    ("AEROCARIBBEAN AIRLINES", "Aero Caribbean Airlines S.A.", True),
    ("CHEN, Quanguo", "陈全国", True),
    ("CHEN, Quanguo", "Quan-guo Chen", True),
    ("AL-ASSAD, Bashar", "بشار الأسد", True),
    ("QADDAFI, Mu'ammar", "معمر القذافي", True),
    ("MAKHLUF, Rami", "سامر فوز", False),
    ("AL-QADDAFI, Muammar", "Moammar el-Kaddafi", True),
    ("ROSOBORONEXPORT OJSC", "Рособоронэкспорт АО", True),
    ("MINGZHENG INTERNATIONAL TRADING LIMITED", "明正国际贸易有限公司", True),
    ("MINGZHENG INTERNATIONAL TRADING LIMITED", "Mingzheng Intl Trading (Shanghai) Co., Ltd.", True),
    ("BANK OF DANDONG", "DANDONG BANK", True),
    ("TEMPBANK", "Tempbnak", True),
    ("NORDWIND SHIPPING COMPANY LIMITED", "Nordstern Shipping Company Limited", False),
    ("OCEAN STAR TRADING LLC", "Polar Star Trading LLC", False),
    ("TINDAYA PROPERTIES 2004", "Tindaya Properties 2005", False),
    ("COIBA", "Cobra GmbH", False),
    ("GENERAL TRADING COMPANY", "Rheintal General Trading Company", False),
]


@pytest.mark.parametrize(("listed", "customer", "same"), PAIRS)
def test_alike_or_not(listed: str, customer: str, same: bool) -> None:
    weights = Weights(read_names(pair[0] for pair in PAIRS))
    score = max(likeness(mine, its, weights) for mine in read_name(customer) for its in read_listed(listed))
    assert (score >= THRESHOLD) == same, score


def test_chinese_names_of_one_sound_are_told_apart_by_their_characters() -> None:
    weights = Weights(read_names(["王伟"]))
    [mine, *_], [its, *_] = read_name("汪威"), read_name("王伟")
    assert mine.words == its.words
    assert likeness(mine, its, weights) == 0.0


def test_numbers_and_initials_are_equal_or_different() -> None:
    assert word_likeness("2004", "2005") == 0.0
    assert word_likeness("a", "b") == 0.0
    assert word_likeness("mohammed", "muhammad") > 0.85
    assert word_likeness("khalid", "halid") == 0.97

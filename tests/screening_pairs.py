"""Labelled pairs of names for measuring the matcher: from the OFAC list, and made from it by stated rules.

Put here: which pairs are the same and which are not, made the same way every time. Keep out: matching. Nothing here asks the
matcher that is measured; the near names of other entities are those of plain character trigrams.
"""

from __future__ import annotations

import csv
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

NULL = "-0- "

# Chinese names of listed persons and companies, as their own sources write them; the list has them in pinyin or English.
CHINESE = {
    "CHEN, Quanguo": "陈全国", "ZHU, Hailun": "朱海仑", "WANG, Mingshan": "王明山", "HUO, Liujun": "霍留军",
    "XIA, Baolong": "夏宝龙", "ZHANG, Xiaoming": "张晓明", "LUO, Huining": "骆惠宁", "ZHENG, Yanxiong": "郑雁雄",
    "CAO, Jianming": "曹建明", "ZHANG, Chunxian": "张春贤", "SHEN, Yueyue": "沈跃跃", "JI, Bingxuan": "吉炳轩",
    "WAN, Exiang": "万鄂湘", "CHEN, Zhu": "陈竺", "WANG, Dongming": "王东明", "DING, Zhongli": "丁仲礼",
    "HAO, Mingjin": "郝明金", "CAI, Dafeng": "蔡达峰", "WU, Weihua": "武维华", "WANG, Chen": "王晨",
    "SUN, Sidong": "孙嗣东", "CHI, Yupeng": "迟玉鹏", "WANG, Junzheng": "王君正", "CHEN, Mingguo": "陈明国",
    "BANK OF DANDONG": "丹东银行", "MINGZHENG INTERNATIONAL TRADING LIMITED": "明正国际贸易有限公司",
    "BANK OF KUNLUN CO., LTD.": "昆仑银行股份有限公司", "XINJIANG PRODUCTION AND CONSTRUCTION CORPS": "新疆生产建设兵团",
}  # fmt: skip

# The same for Arabic.
ARABIC = {
    "AL-ASSAD, Bashar": "بشار الأسد", "MAKHLUF, Rami": "رامي مخلوف", "SOLEIMANI, Qasem": "قاسم سليماني",
    "AL-ASSAD, Maher": "ماهر الأسد", "FOZ, Samer": "سامر فوز", "QATTAN, Waseem": "وسيم القطان", "HAMSHO, Muhammad": "محمد حمشو",
    "JABER, Mohammad": "محمد جابر", "MAKHLUF, Hafiz": "حافظ مخلوف", "SHAWKAT, Assef": "آصف شوكت",
    "QADDAFI, Muammar": "معمر القذافي", "AL-BAGHDADI, Abu Bakr": "أبو بكر البغدادي",
    "AL-DURI, Izzat Ibrahim": "عزت إبراهيم الدوري", "NASRALLAH, Hasan": "حسن نصر الله",
}  # fmt: skip

_CYRILLIC = [
    ("shch", "щ"), ("sch", "щ"), ("sh", "ш"), ("ch", "ч"), ("zh", "ж"), ("kh", "х"), ("ts", "ц"), ("ya", "я"), ("yu", "ю"),
    ("yo", "ё"), *zip("abvgdezijklmnoprstufhcywqx", "абвгдезийклмнопрстуфхкйвкк", strict=True),
]  # fmt: skip
_DIACRITICS = str.maketrans("aeioucnszAEIOUCNSZ", "áéíöüçñšžÁÉÍÖÜÇÑŠŽ")


@dataclass(frozen=True)
class Entity:
    """One listed entity with all its names; the first is the primary one."""

    entity_id: str
    is_person: bool
    names: tuple[str, ...]
    remarks: str


@dataclass(frozen=True)
class Pair:
    """Two names, how the pair came about, and whether they mean the same."""

    query: str
    listed: str
    kind: str
    same: bool
    is_person: bool


def read_entities(folder: Path) -> list[Entity]:
    """Persons and organisations of a vintage (vessels and aircraft are nobody's customer), in the order of the list."""
    aliases: dict[str, list[str]] = defaultdict(list)
    if (folder / "alt.csv").exists():
        for row in _rows(folder / "alt.csv", 5):
            aliases[row[0]].append(row[3])
    return [
        Entity(row[0], row[2] == "individual", tuple(dict.fromkeys([row[1], *aliases[row[0]]])), row[11])
        for row in _rows(folder / "sdn.csv", 12)
        if row[2] in ("individual", NULL)
    ]


def _rows(path: Path, fields: int) -> Iterator[list[str]]:
    with path.open(encoding="latin-1", newline="") as handle:
        yield from (row for row in csv.reader(handle) if len(row) == fields)


def true_pairs(entities: list[Entity], each: int, seed: int = 7) -> list[Pair]:
    """Aliases of one entity, and names changed by rule: `each` of every kind (Chinese and Arabic: all there are)."""
    chance = random.Random(seed)
    known = [e for e in entities if len(e.names) > 1]
    pairs = []
    for entity in chance.sample(known, each):
        pairs.append(Pair(chance.choice(entity.names[1:]), entity.names[0], "alias", True, entity.is_person))
    changes = {
        "typo": _typo, "two typos": lambda name, r: _typo(_typo(name, r), r), "word order": _order, "legal form": _legal_form,
        "cyrillic": lambda name, r: _cyrillic(name), "diacritics": lambda name, r: name.translate(_DIACRITICS),
        "spacing": _spacing, "word left out": _left_out, "word added": _added,
    }  # fmt: skip
    for kind, change in changes.items():
        wanted = [e for e in entities if _fits(kind, e)]
        for entity in chance.sample(wanted, each):
            pairs.append(Pair(change(entity.names[0], chance), entity.names[0], kind, True, entity.is_person))
    listed = {name: entity for entity in entities for name in entity.names}
    for kind, given in (("chinese", CHINESE), ("arabic", ARABIC)):
        pairs += [Pair(own, name, kind, True, listed[name].is_person) for name, own in given.items() if name in listed]
    return pairs


def near_pairs(entities: list[Entity], count: int, seed: int = 11) -> list[Pair]:
    """For sampled names, the nearest name of another entity by trigrams: false, but for the few the list holds twice.

    Left out: an entity that the other's remarks name (a subsidiary is near for a reason), and one that shares a name with it,
    written in whatever way: the list has some parties twice, once for each country or each programme.
    """
    chance = random.Random(seed)
    names = [(name, entity) for entity in entities for name in entity.names]
    grams = trigram_matrix([name for name, _ in names])
    asked = chance.sample(range(len(names)), count)
    likeness = (grams[asked] @ grams.T).tocsr()
    pairs = []
    for place, number in enumerate(asked):
        row = slice(likeness.indptr[place], likeness.indptr[place + 1])
        mine_name, mine = names[number]
        for other in likeness.indices[row][np.argsort(-likeness.data[row], kind="stable")][:40]:
            other_name, its = names[other]
            if its.entity_id == mine.entity_id or its.is_person != mine.is_person:
                continue
            related = _words(mine.names[0]) <= _words(its.remarks) or _words(its.names[0]) <= _words(mine.remarks)
            if related or _letters(mine) & _letters(its):
                continue
            pairs.append(Pair(mine_name, other_name, "near name", False, mine.is_person))
            break
    return pairs


def trigram_matrix(names: list[str]) -> sparse.csr_array:
    """Rows of unit length, one per name, over the trigrams of its letters; rare ones weigh more."""
    vocabulary: dict[str, int] = {}
    rows, columns = [], []
    for number, name in enumerate(names):
        text = f" {' '.join(re.findall(r'[a-z0-9]+', name.lower()))} "
        for gram in {text[i : i + 3] for i in range(len(text) - 2)}:
            rows.append(number)
            columns.append(vocabulary.setdefault(gram, len(vocabulary)))
    frequency = np.bincount(columns, minlength=len(vocabulary))
    data = np.log(1 + len(names) / frequency)[columns]
    matrix = sparse.csr_array((data, (rows, columns)), shape=(len(names), len(vocabulary)))
    length = np.sqrt(matrix.multiply(matrix).sum(axis=1))
    return sparse.csr_array(matrix.multiply(1 / np.maximum(length, 1e-9)[:, None]))


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z0-9]+", text.lower()))


def _letters(entity: Entity) -> set[str]:
    return {"".join(sorted(_FORM.sub("", name).lower())).strip(" .,-'()") for name in entity.names}


def _fits(kind: str, entity: Entity) -> bool:
    name = entity.names[0]
    if kind in ("legal form", "word added"):
        return not entity.is_person and len(name) > 8
    if kind == "word left out":
        return len(name.split()) >= 3
    if kind in ("word order", "spacing"):
        return len(name.split()) >= 2
    return len(name) >= 8


def _typo(name: str, chance: random.Random) -> str:
    at = chance.choice([i for i, letter in enumerate(name) if letter.isalpha()])
    letter = chance.choice("abcdefghiklmnoprstuvyz").upper()
    kind = chance.choice("irds")
    if kind == "i":
        return name[:at] + letter + name[at:]
    if kind == "r":
        return name[:at] + letter + name[at + 1 :]
    if kind == "d":
        return name[:at] + name[at + 1 :]
    return name[:at] + name[at + 1 : at + 2] + name[at] + name[at + 2 :]


def _order(name: str, chance: random.Random) -> str:
    words = name.replace(",", "").split()
    chance.shuffle(words)
    return " ".join(words)


_FORMS = ["LTD", "Limited", "L.L.C.", "GmbH", "S.A.", "Co., Ltd.", "Inc.", "OOO", "S.A. de C.V.", "PJSC", "FZE", "B.V.", "S.R.L."]
_FORM = re.compile(
    r"[\s,]+(CO\.?,? ?(LTD|LIMITED)\.?|LTD\.?|LIMITED|LLC|L\.L\.C\.|INC\.?|S\.A\.( DE C\.V\.)?|GMBH|PJSC|OJSC|FZE|COMPANY"
    r"|CORPORATION)$",
    re.IGNORECASE,
)


def _legal_form(name: str, chance: random.Random) -> str:
    bare = _FORM.sub("", name)
    return chance.choice([bare, f"{bare} {chance.choice(_FORMS)}"]) if bare != name else f"{bare} {chance.choice(_FORMS)}"


def _cyrillic(name: str) -> str:
    text = name.lower()
    for latin, cyrillic in _CYRILLIC:
        text = text.replace(latin, cyrillic)
    return text.upper()


def _spacing(name: str, chance: random.Random) -> str:
    words = name.split()
    at = chance.randrange(len(words) - 1)
    return " ".join([*words[:at], words[at] + words[at + 1], *words[at + 2 :]])


def _left_out(name: str, chance: random.Random) -> str:
    words = name.split()
    del words[chance.randrange(len(words))]
    return " ".join(words)


def _added(name: str, chance: random.Random) -> str:
    return f"{name} {chance.choice(['Europe', 'Branch', 'Group', 'International', 'Holding', 'Asia', '(Shanghai)'])}"

"""Invented companies: names, places and registration numbers for the demo.

Put here: word lists and number formats by country; QX and QZ are no countries (ISO 3166 leaves them to the user), so that no
real one is called risky. Keep out: behaviour (stories.py). Any likeness to a real company is chance.
"""

from __future__ import annotations

from collections import Counter
from random import Random

_WORDS: dict[str, tuple[str, ...]] = {
    "DE": ("Nordwald", "Rheintal", "Alpstein", "Havelgrund", "Küstenwerk", "Schwarzbach", "Lindenhof", "Falkenau", "Moorbeck",
           "Silbersee", "Tannrode", "Weidenbrück", "Grünhagen", "Steinfurth", "Birkenfeldt", "Ostermark"),
    "FR": ("Valbrune", "Clairmont", "Hauterive", "Belloc", "Roquevert", "Sanvigne", "Ormelle", "Tressac"),
    "NL": ("Waterlinde", "Zilverdijk", "Noordveen", "Hollandsveld", "Oosterkade", "Duinrand"),
    "US": ("Cedar Ridge", "Blue Mesa", "Harbor Point", "Prairie Gate", "Stonefield", "Maple Hollow"),
    "GB": ("Ashcombe", "Thornbury Vale", "Wexley", "Harrowdale", "Penhallow", "Colnbrook"),
    "QX": ("Marenbay", "Tarsol", "Ilmara"),
    "QZ": ("Veldora", "Karsun", "Oshana"),
    "CN": ("云岭", "澄湖", "松河", "青禾", "明溪", "远岚", "石桥湾", "竹里", "晴川谷", "白鹭洲"),
}  # fmt: skip
_TRADES: dict[str, tuple[str, ...]] = {
    "DE": ("Maschinenbau", "Metalltechnik", "Elektrohandel", "Logistik", "Möbelwerke", "Kunststoffe", "Druckerei", "Bauservice"),
    "FR": ("Mécanique", "Emballage", "Électronique", "Transports", "Textiles"),
    "NL": ("Techniek", "Handel", "Verpakking", "Machines"),
    "US": ("Supply", "Manufacturing", "Components", "Distribution"),
    "GB": ("Engineering", "Trading", "Fixings", "Packaging"),
    "QX": ("Trading", "Textiles"),
    "QZ": ("Trading", "Minerals"),
    "CN": ("机械", "电子", "纺织", "建材", "五金", "包装", "家具", "塑胶"),
}  # fmt: skip
_FORMS: dict[str, tuple[str, ...]] = {
    "DE": ("GmbH", "AG", "KG", "GmbH & Co. KG"),
    "FR": ("SARL", "SAS"),
    "NL": ("B.V.",),
    "US": ("Inc.", "LLC"),
    "GB": ("Ltd",),
    "QX": ("Ltd",),
    "QZ": ("Ltd",),
    "CN": ("有限公司",),
}
_REGIONS: dict[str, tuple[str, ...]] = {
    "DE": ("Bayern", "Hessen", "Sachsen", "Nordrhein-Westfalen", "Hamburg"),
    "FR": ("Occitanie", "Bretagne", "Grand Est"),
    "NL": ("Gelderland", "Noord-Holland"),
    "US": ("Ohio", "Texas", "Oregon"),
    "GB": ("Kent", "Yorkshire"),
    "QX": ("Marenbay",),
    "QZ": ("Upper Karsun",),
    "CN": ("江苏", "浙江", "广东", "山东", "福建"),
}
CURRENCY = {"DE": "EUR", "FR": "EUR", "NL": "EUR", "US": "USD", "GB": "GBP", "CN": "CNY", "QX": "EUR", "QZ": "EUR"}
COMPANY_CODE = {"CN": "CN01"}
_SCHEMES = {"DE": "HRB", "FR": "SIREN", "NL": "KVK", "US": "EIN", "GB": "CRN", "CN": "USCC", "QX": "REG", "QZ": "REG"}
_PEOPLE = ("Anna Petersen", "Jonas Reuter", "Claire Fabre", "Mehmet Aydin", "Sofia Lindgren", "Eva Kranz", "Tom Bakker")
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
LISTED, LIKE_LISTED = "Ardenhom Vale Fixings Limited", "Ardenholm Vale Fixings Ltd"  # on the sanctions list, and the customer
INDUSTRIES = ("C25", "C28", "C31", "F43", "G46", "H49", "C13", "C22")


class Namer:
    """Gives each customer a name of its own: words of the country first, then numbered ones."""

    def __init__(self) -> None:
        self._used: Counter[str] = Counter()

    def company(self, country: str, rng: Random) -> tuple[str, str]:
        """(name, legal form) of an invented company of that country."""
        word, trade, form = rng.choice(_WORDS[country]), rng.choice(_TRADES[country]), rng.choice(_FORMS[country])
        if country == "CN":
            return self._unique(f"{rng.choice(_REGIONS['CN'])}{word}{trade}", form, ""), form
        return self._unique(f"{word} {trade}", form, " "), form

    def person(self, rng: Random) -> str:
        return self._unique(rng.choice(_PEOPLE), "e.K.", " ")

    def town(self, rng: Random) -> str:
        return self._unique("Stadtwerke " + rng.choice(_WORDS["DE"]), "", "").strip()

    def _unique(self, stem: str, form: str, gap: str) -> str:
        self._used[stem] += 1
        number = self._used[stem]
        return f"{stem}{f'{gap}{number}' if number > 1 else ''}{gap}{form}"


def region(country: str, rng: Random) -> str:
    """A region of that country."""
    return rng.choice(_REGIONS[country])


def registration(country: str, rng: Random) -> tuple[str, str]:
    """(number, scheme); Chinese numbers carry a valid check character (GB 32100)."""
    scheme = _SCHEMES[country]
    if scheme == "HRB":
        return f"HRB {rng.randrange(10_000, 999_999)}", scheme
    if scheme != "USCC":
        return str(rng.randrange(10**8, 10**9)), scheme
    area = "".join(rng.choice("0123456789") for _ in range(3))
    body = f"91320{area}MA" + "".join(rng.choice(_USCC_ALPHABET) for _ in range(7))
    return body + _uscc_check(body), scheme


def _uscc_check(body: str) -> str:
    total = sum(_USCC_ALPHABET.index(char) * pow(3, place, 31) for place, char in enumerate(body))
    return _USCC_ALPHABET[(31 - total % 31) % 31]

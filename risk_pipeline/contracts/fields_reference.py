"""Fields of the reference feeds: lists and series that belong to no customer.

Put here: every column that first appears in a feed of feed_reference.py. Keep out: exchange rates (fields_ledger.py), what
is known about one customer (fields_evidence.py), and which table uses which column (feed_reference.py).
"""

from __future__ import annotations

from risk_pipeline.contracts.table import Field, Kind

# fmt: off
FIELDS: tuple[Field, ...] = (
    Field("indicator", Kind.TEXT, "What the series measures: demand, price, insolvencies. Of an alert: what tells of it",
          "指标：需求、价格、破产数量；预警中为所监测的列",
          sensitivity="public"),
    Field("period", Kind.DATE, "First day of the month or quarter the figure is for", "指标所属期间的首日（月或季）",
          sensitivity="public"),
    Field("seasonally_adjusted", Kind.FLAG, "The season has been taken out of the series", "已作季节调整", sensitivity="public"),
    Field("list_status", Kind.TEXT, "Place of the country on the lists against money laundering: none, increased monitoring, "
          "call for action",
          "国家在反洗钱名单中的状态：未列入、加强监控、呼吁采取行动", sensitivity="public"),
    Field("entity_id", Kind.TEXT, "Number of the entry in its sanctions list", "制裁名单条目编号", sensitivity="public"),
    Field("listed_date", Kind.DATE, "Day the entry was put on the list, or the date of the oldest list at hand that has it",
          "列入名单日期；名单未载明时为最早出现该条目的名单日期", sensitivity="public"),
    Field("aliases", Kind.TEXT, "Other names of the entry, separated by semicolons", "别名，以分号分隔", sensitivity="personal"),
    Field("birth_date", Kind.DATE, "Day of birth of a listed person", "被列人员出生日期", sensitivity="personal"),
    Field("identifiers", Kind.TEXT, "Passport, register and other numbers of the entry, separated by semicolons",
          "证件号、登记号等标识，以分号分隔", sensitivity="personal"),
    Field("entity_kind", Kind.TEXT, "Person, company, vessel or aircraft", "被列主体类型：个人、企业、船舶、航空器",
          sensitivity="public"),
    Field("programme", Kind.TEXT, "Sanctions programme the entry stands under", "所属制裁项目", sensitivity="public"),
    Field("delisted_date", Kind.DATE, "Day the entry was taken off the list", "移出名单日期", sensitivity="public"),
)

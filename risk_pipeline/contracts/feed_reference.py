"""The reference feeds: lists and series that belong to no customer. Exchange rates stand with the ledger (feed.py).

Put here: which columns such a feed has, its key, its visible-from date, outcome columns and what hides them. Keep out: what a
column means (fields_reference.py), reading a publisher's own format (feeds), matching names (screening).
"""

from __future__ import annotations

from risk_pipeline.contracts.fields import columns
from risk_pipeline.contracts.table import Table

REFERENCE_TABLES: tuple[Table, ...] = (
    Table(
        layer="feed",
        name="industry_indicator",
        grain="one row per industry, indicator, period and publication",
        owner="market_intelligence",
        en="Demand, prices and insolvencies by industry; every vintage is kept, since figures are revised. A code is one of the"
        " customers' classification, or names its own before a colon (NACE:24)",
        zh="行业需求、价格与破产指标；因数据会修订，保留每次公布的版本。"
        "行业代码与客户主数据同一分类标准，或以冒号前缀注明（如 NACE:24）",
        key=("industry_code", "indicator", "period", "published_date"),
        event_date="published_date",
        columns=columns(
            "industry_code indicator period published_date value seasonally_adjusted",
            required="value",
            values={"indicator": "demand price insolvencies"},
        ),
    ),
    Table(
        layer="feed",
        name="country_risk",
        grain="one row per country and publication",
        owner="market_intelligence",
        en="Risk of countries, 0 best to 100 worst, and the lists they stand on",
        zh="国家风险评分（0 最佳–100 最差）及名单状态",
        key=("country_code", "published_date"),
        event_date="published_date",
        columns=columns(
            "country_code published_date score list_status",
            values={"list_status": "none increased_monitoring call_for_action"},
        ),
    ),
    Table(
        layer="feed",
        name="sanctions_entity",
        grain="one row per entry of a sanctions list",
        owner="compliance",
        en="Persons and companies on sanctions lists, with their other names",
        zh="制裁名单所列个人与企业及其别名",
        key=("source", "entity_id"),
        event_date="listed_date",
        columns=columns(
            "source entity_id listed_date name aliases birth_date identifiers country_code entity_kind programme delisted_date",
            required="listed_date name",
            masked={"delisted_date": "delisted_date"},
        ),
    ),
)

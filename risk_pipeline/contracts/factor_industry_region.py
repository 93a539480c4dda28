"""factor.industry_region: its columns and what they mean.

Put here: fields that first appear in this table, and the table. Keep out: how they are computed (factors/industry_region.sql) and
what they are worth (the factor catalogue and the policy).
"""

from __future__ import annotations

from risk_pipeline.contracts.fields_ledger import FIELDS as LEDGER_FIELDS
from risk_pipeline.contracts.table import Field, Kind, code_of, coded

# fmt: off
_SIZE_CLASS = next(field for field in LEDGER_FIELDS if field.name == "size_class")  # of the customer master, here a factor
_FACTORS = (
    Field("industry_risk_class", Kind.INTEGER, "Risk class of the customer's industry by the policy, 1 best to 5 worst",
          "行业风险等级（由政策规定）：1 最佳 – 5 最差", "class"),
    Field("country_risk_score", Kind.NUMBER, "Risk of the country of incorporation or of operation, the worse of the two; 0 best "
          "to 100 worst",
          "国家风险评分：注册国与经营国中较差者；0 最佳 – 100 最差", "score"),
    Field("country_list_status", Kind.TEXT, "Place of the country of incorporation on the lists against money laundering",
          "注册国在反洗钱名单中的状态"),
    _SIZE_CLASS,
    Field("company_age_years", Kind.NUMBER, "Years since the business was founded", "成立年限", "years"),
)
_MEASURES = (
    Field("industry_class_prefix", Kind.TEXT, "Prefix of the industry code that the policy's risk class was found by; none = the "
          "policy's default class",
          "行业风险等级所依据的行业代码前缀；为空表示采用政策默认等级"),
    Field("country_risk_country", Kind.TEXT, "Country whose risk score counts, ISO 3166-1 alpha-2",
          "国家风险评分所取自的国家（ISO 3166-1 alpha-2）"),
    Field("operating_list_status", Kind.TEXT, "Place of the country of operation on the lists against money laundering",
          "经营国在反洗钱名单中的状态"),
    Field("master_data_date", Kind.DATE, "Day from which the customer attributes used here hold",
          "所用客户主数据版本的生效日期"),
    Field("country_risk_date", Kind.DATE, "Day the country risk score used was published", "所用国家风险评分的公布日期"),
    Field("country_list_date", Kind.DATE, "Day the list status used was published", "所用国家名单状态的公布日期"),
)
FIELDS: tuple[Field, ...] = (*(f for f in _FACTORS if f is not _SIZE_CLASS), *map(code_of, _FACTORS), *_MEASURES)
# fmt: on

# In the order of the table, behind as_of, customer_id, run_id and evidence_date.
COLUMNS = " ".join([coded(_FACTORS), *(field.name for field in _MEASURES)])
REQUIRED = ""
_LISTS = "none increased_monitoring call_for_action"
VALUES: dict[str, str] = {
    "country_list_status": _LISTS,
    "operating_list_status": _LISTS,
    "size_class": "micro small medium large",
}

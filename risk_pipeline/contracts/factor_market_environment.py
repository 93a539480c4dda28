"""factor.market_environment: its columns and what they mean.

Put here: fields that first appear in this table, and the table. Keep out: how they are computed (factors/market_environment.sql
and its steps) and what they are worth (the factor catalogue and the policy).
"""

from __future__ import annotations

from risk_pipeline.contracts.table import Field, Kind, code_of, coded

# fmt: off
_FACTORS = (
    Field("industry_demand_change_3m", Kind.NUMBER, "Demand in the customer's industry: newest 3 months against the 3 before, "
          "less 1",
          "行业需求：最近 3 个月均值与此前 3 个月均值之比减 1", "ratio"),
    Field("industry_demand_change_12m", Kind.NUMBER, "Demand in the customer's industry: newest 3 months against the same months "
          "a year earlier, less 1",
          "行业需求：最近 3 个月均值与上年同期均值之比减 1", "ratio"),
    Field("industry_volatility_12m", Kind.NUMBER, "Standard deviation of the 12 newest monthly log changes of prices, or of "
          "demand, in the customer's industry",
          "行业价格（或需求）最近 12 个月度对数变动的标准差", "ratio"),
    Field("industry_insolvency_change_12m", Kind.NUMBER, "Insolvencies in the customer's industry: 12 months against the 12 "
          "before, less 1",
          "行业破产数量：近 12 个月与此前 12 个月之比减 1", "ratio"),
    Field("fx_move_against_90d", Kind.NUMBER, "What the currency it owes us in has gained against the customer's own in 90 days",
          "90 天内结算货币对客户本币的升值幅度（客户本币的贬值）", "ratio"),
)
_MEASURES = (
    Field("demand_shock", Kind.NUMBER, "Newest monthly change of the industry's demand, in standard deviations from the mean of "
          "the 12 changes before; negative = a sudden fall",
          "行业需求冲击：最近一次月度变动偏离此前 12 次均值的标准差倍数；负值为骤降", "standard deviations"),
    Field("price_change_3m", Kind.NUMBER, "Prices in the customer's industry: newest 3 months against the 3 before, less 1",
          "行业价格：最近 3 个月均值与此前 3 个月均值之比减 1", "ratio"),
    Field("price_change_12m", Kind.NUMBER, "Prices in the customer's industry: newest 3 months against the same months a year "
          "earlier, less 1",
          "行业价格：最近 3 个月均值与上年同期均值之比减 1", "ratio"),
    Field("demand_series", Kind.TEXT, "Industry code of the demand series used: the customer's own or a wider one",
          "所用需求序列的行业代码（客户所属行业或其上级行业）"),
    Field("price_series", Kind.TEXT, "Industry code of the price series used", "所用价格序列的行业代码"),
    Field("insolvency_series", Kind.TEXT, "Industry code of the insolvency series used", "所用破产序列的行业代码"),
    Field("volatility_basis", Kind.TEXT, "What industry_volatility_12m was measured on: price or demand",
          "行业波动率所依据的指标：价格或需求"),
    Field("invoice_currency", Kind.TEXT, "Currency in which the customer owes us most, ISO 4217",
          "客户对我方主要结算货币（ISO 4217）"),
    Field("indicator_published_date", Kind.DATE, "Day the newest demand figure used was published", "所用最新需求数据的公布日期"),
    Field("price_published_date", Kind.DATE, "Day the newest price figure used was published", "所用最新价格数据的公布日期"),
    Field("insolvency_published_date", Kind.DATE, "Day the newest insolvency figure used was published",
          "所用最新破产数据的公布日期"),
    Field("volatility_published_date", Kind.DATE, "Day the newest figure behind industry_volatility_12m was published",
          "行业波动率所用最新数据的公布日期"),
    Field("fx_date", Kind.DATE, "Day of the exchange rates behind fx_move_against_90d, the older of the two",
          "汇率变动所用汇率的日期（两种货币中较早者）"),
)
FIELDS: tuple[Field, ...] = (*_FACTORS, *map(code_of, _FACTORS), *_MEASURES)
# fmt: on

# In the order of the table, behind as_of, customer_id, run_id and evidence_date.
COLUMNS = " ".join([coded(_FACTORS), *(field.name for field in _MEASURES)])
REQUIRED = ""
VALUES: dict[str, str] = {"volatility_basis": "price demand"}

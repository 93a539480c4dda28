"""factor.due_diligence: its columns and what they mean.

Put here: fields that first appear in this table, and the table. Keep out: how they are computed (factors/due_diligence.sql,
factors/steps/) and what they are worth (the factor catalogue and the policy).
"""

from __future__ import annotations

from risk_pipeline.contracts.table import REPORTING, Field, Kind, code_of, coded

# What a search asks after: each area has its newest search and the date of its newest evidence.
AREAS = {
    "litigation": ("lawsuits", "诉讼"),
    "enforcement": ("enforcement and freezes", "被执行、冻结及限制高消费"),
    "registry": ("registry irregularities and penalties", "经营异常与行政处罚"),
    "tax": ("tax and social-security arrears", "欠税及欠缴社保"),
    "media": ("adverse media", "负面舆情"),
    "ownership": ("changes of legal representative, owners and capital", "法人、股东及资本变更"),
}
SEARCH_RESULTS = "clean hit error never"

# fmt: off
_FACTORS = (
    Field("litigation_amount_to_tnw", Kind.NUMBER, "Open claims against the customer to its tangible net worth",
          "被诉金额/有形净资产", "ratio"),
    Field("litigation_defendant_24m", Kind.INTEGER, "Lawsuits of creditors against the customer, made public in 24 months",
          "近 24 个月作为被告的债权类诉讼数", "count"),
    Field("enforcement_24m", Kind.INTEGER, "Unsettled enforcement, equity freezes and consumption restrictions of 24 months",
          "近 24 个月未了结的被执行、股权冻结及限制高消费案件数", "count"),
    Field("registry_irregularity_24m", Kind.INTEGER, "Registry irregularities and penalties of 24 months, by severity",
          "近 24 个月经营异常与行政处罚的严重度积分", "severity points"),
    Field("tax_arrears_open", Kind.INTEGER, "Open arrears of tax or social security", "未清欠税及欠缴社保数", "count"),
    Field("adverse_media_index", Kind.NUMBER, "Adverse stories of 24 months by severity, halved every 180 days",
          "近 24 个月负面舆情指数（按严重度加权，每 180 天减半）", "index"),
    Field("management_rating", Kind.NUMBER, "Newest judgement of management and governance, 1 worst to 5 best",
          "管理与治理最新评级均值（1 最差–5 最好）", "rating"),
    Field("ownership_changes_12m", Kind.INTEGER, "Days in 12 months on which legal representative, owners or capital changed",
          "近 12 个月法定代表人、股东变更及减资的日期数", "count"),
    Field("file_completeness", Kind.NUMBER, "Share of the required documents that are on file and valid",
          "资信档案完整度：在档且有效的必备文件占比", "ratio"),
)
_RATIO = Field("enforcement_to_net_worth", Kind.NUMBER, "Open enforcement claims to tangible net worth",
               "被执行金额/有形净资产", "ratio")
_SANCTIONS = (
    Field("sanctions_confirmed", Kind.INTEGER, "Open sanctions findings that a person has confirmed",
          "经人工确认且未解除的制裁命中数", "count"),
    Field("sanctions_unreviewed", Kind.INTEGER, "Open sanctions findings that nobody has reviewed yet",
          "尚未人工复核的疑似制裁命中数", "count"),
    Field("sanctions_searched_on", Kind.DATE, "Day of the newest sanctions search that gave an answer",
          "最近一次有结果的制裁名单查询日期"),
    Field("sanctions_search_result", Kind.TEXT, "What the newest searches of every source said: clean (searched, nothing found), "
          "hit, error (a search failed), never (not searched)",
          "各名单最近一次查询的结果：clean 已查无命中、hit 命中、error 查询失败、never 从未查询"),
)
_OPEN = (
    Field("insolvency_open", Kind.INTEGER, "Confirmed insolvency proceedings that go on", "经确认且未终结的破产程序数", "count"),
    Field("registry_struck_off", Kind.FLAG, "The register says revoked, deregistered, in liquidation or closed",
          "工商登记状态为吊销、注销、清算或停业"),
    Field("dishonest_debtor_open", Kind.INTEGER, "Cases in which the customer is listed as dishonest judgment debtor",
          "未解除的失信被执行人记录数", "count"),
    Field("serious_illegal_open", Kind.INTEGER, "Open entries in the list of serious violations",
          "未移出的严重违法失信记录数", "count"),
    Field("abnormal_operation_open", Kind.INTEGER, "Open entries in the list of abnormal operations",
          "未移出的经营异常名录记录数", "count"),
    Field("bill_overdue_open", Kind.INTEGER, "Open entries as acceptor that let bills fall overdue",
          "未清的票据持续逾期记录数", "count"),
    Field("fraud_confirmed", Kind.INTEGER, "Confirmed findings of fraud", "经确认的欺诈记录数", "count"),
    Field("own_suit_open", Kind.INTEGER, "Our own open suits and enforcement against the customer",
          "我方对该客户提起且未了结的诉讼、仲裁及执行案件数", "count"),
    Field("pep_confirmed", Kind.INTEGER, "Confirmed politically exposed persons", "经确认的政治公众人物记录数", "count"),
    Field("consumption_restriction_open", Kind.INTEGER, "Open orders that restrict consumption",
          "未解除的限制高消费令数", "count"),
    Field("equity_freeze_open", Kind.INTEGER, "Open freezes of shares", "未解除的股权冻结数", "count"),
    Field("equity_pledge_open", Kind.INTEGER, "Open pledges of shares", "有效的股权出质数", "count"),
    Field("chattel_mortgage_open", Kind.INTEGER, "Open mortgages of movables", "有效的动产抵押数", "count"),
    Field("enforcement_open_count", Kind.INTEGER, "Open enforcement cases against the customer", "未了结的被执行案件数", "count"),
    Field("enforcement_unknown_amount_count", Kind.INTEGER, "Open enforcement cases whose amount is not known",
          "金额不明的未了结被执行案件数", "count"),
    Field("enforcement_open_amount", Kind.MONEY, "Known amount of the open enforcement cases", "未了结被执行案件的已知金额",
          REPORTING),
    Field("litigation_open_count", Kind.INTEGER, "Open suits against the customer, labour and minor ones left out",
          "未结被诉案件数（劳动及小额案件除外）", "count"),
    Field("litigation_unknown_amount_count", Kind.INTEGER, "Open suits against the customer whose amount is not known",
          "金额不明的未结被诉案件数", "count"),
    Field("litigation_open_amount", Kind.MONEY, "Amount of the open suits against the customer, at least",
          "未结被诉案件金额（下限）", REPORTING),
)
_MEASURES = (
    Field("litigation_plaintiff_24m", Kind.INTEGER, "Lawsuits the customer brought in 24 months; no sign of distress",
          "近 24 个月作为原告的诉讼数（不视为风险）", "count"),
    Field("findings_unreviewed", Kind.INTEGER, "Open findings, sanctions aside, that nobody has reviewed yet; they count nowhere",
          "尚未人工复核的发现数（制裁除外），不计入任何指标", "count"),
    Field("registry_status", Kind.TEXT, "Newest confirmed status in the register, in the words of the source",
          "最近一次经确认的工商登记状态（来源原文）"),
    Field("rating_management", Kind.INTEGER, "Newest judgement of the management", "管理团队最新评级", "rating"),
    Field("rating_governance", Kind.INTEGER, "Newest judgement of the governance", "公司治理最新评级", "rating"),
    Field("rating_market_position", Kind.INTEGER, "Newest judgement of the market position", "市场地位最新评级", "rating"),
    Field("rating_industry_outlook", Kind.INTEGER, "Newest judgement of the outlook of the industry",
          "行业前景最新评级", "rating"),
    Field("rating_documents", Kind.INTEGER, "Newest judgement of the documents", "资料质量最新评级", "rating"),
    Field("management_assessed_date", Kind.DATE, "Day of the newest judgement of management or governance",
          "管理与治理最近评价日期"),
    Field("documents_required", Kind.INTEGER, "Documents the policy requires of such a customer",
          "政策要求的必备文件数", "count"),
    Field("documents_valid", Kind.INTEGER, "Of these, on file and valid", "其中在档且有效的文件数", "count"),
    Field("documents_next_expiry", Kind.DATE, "Day on which the next required document expires", "必备文件最近到期日"),
    Field("documents_received_date", Kind.DATE, "Day of the newest document on file", "最近一份文件的收到日期"),
)
_SEARCHES = tuple(
    field
    for area, (en, zh) in AREAS.items()
    for field in (
        Field(f"{area}_search_result", Kind.TEXT, f"What the newest searches for {en} said: clean, hit (also when a finding "
              "counts), error (a search failed), never (not searched)",
              f"{zh}最近一次查询结果：clean 已查无、hit 命中（含已计入的发现）、error 查询失败、never 从未查询"),
        Field(f"{area}_evidence_date", Kind.DATE, f"Newest search for {en} that gave an answer, or a later finding",
              f"{zh}最近一次有结果的查询或更晚发现的日期"),
    )
)
FIELDS: tuple[Field, ...] = (
    *_FACTORS, *map(code_of, _FACTORS), *_SANCTIONS, *_OPEN, _RATIO, code_of(_RATIO), *_SEARCHES, *_MEASURES
)
# fmt: on

# In the order of the table, behind as_of, customer_id, run_id and evidence_date.
COLUMNS = " ".join(
    [
        *(field.name for field in _SANCTIONS),
        coded(_FACTORS),
        *(field.name for field in _OPEN),
        coded([_RATIO]),
        *(field.name for field in (*_SEARCHES, *_MEASURES)),
    ]
)
REQUIRED = " ".join(
    [
        "sanctions_confirmed sanctions_unreviewed sanctions_search_result",
        *(field.name for field in _OPEN),
        *(f"{area}_search_result" for area in AREAS),
        "litigation_plaintiff_24m findings_unreviewed documents_required documents_valid",
    ]
)
VALUES: dict[str, str] = {
    "sanctions_search_result": SEARCH_RESULTS,
    **{f"{area}_search_result": SEARCH_RESULTS for area in AREAS},
}

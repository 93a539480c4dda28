"""factor.contract_collateral: its columns and what they mean.

Put here: fields that first appear in this table, and the table. Keep out: how they are computed (factors/*.sql) and what they
are worth (the factor catalogue and the policy).
"""

from __future__ import annotations

from risk_pipeline.contracts.table import REPORTING, Field, Kind, code_of

# fmt: off
_STANDING = Field("contract_standing", Kind.TEXT, "Worst standing of the contracts in force, or of the last ones",
                  "合同状态：有效合同（无有效合同时为已终止合同）中最差者")
_MEASURES = (
    Field("contract_date", Kind.DATE, "Newest beginning or event of the contracts behind contract_standing",
          "合同状态所依据的最近生效日或事件日"),
    Field("contract_valid_to", Kind.DATE, "Last day of the contracts in force; without any in force, the day the last one ended",
          "有效合同的最后到期日；无有效合同时为最近终止日"),
    Field("contracts_breached_12m", Kind.INTEGER, "Contracts breached in 12 months", "近 12 个月发生违约的合同数", "count"),
    Field("contract_unsigned", Kind.FLAG, "An individual contract in force was never signed", "存在未签署的有效合同"),
    Field("parent_guarantee_valid", Kind.FLAG, "A guarantee of the parent company is in force", "母公司担保有效"),
    Field("collateral_valid_count", Kind.INTEGER, "Securities in force", "有效担保数量", "count"),
    Field("collateral_next_expiry", Kind.DATE, "First day on which a security in force ends or can be called for the last time",
          "有效担保中最早的到期日或索赔截止日"),
    Field("collateral_expired_on", Kind.DATE, "Last day of the security that ran out in 12 months and was not given back",
          "近 12 个月内到期而未解除的担保的到期日"),
    Field("collateral_date", Kind.DATE, "Newest beginning or valuation of the securities in force",
          "有效担保的最近生效日或估值日"),
    Field("insurance_limit", Kind.MONEY, "What credit insurers cover of the customer", "信用保险承保额度", REPORTING),
    Field("insurance_valid_to", Kind.DATE, "First day on which an insurance cover in force ends", "有效承保中最早的到期日"),
    Field("insurance_claim_filed", Kind.FLAG, "A claim was filed with the credit insurer in the last 12 months",
          "近 12 个月已向信用保险机构报损索赔"),
    Field("insurance_date", Kind.DATE, "Newest decision of a credit insurer", "信用保险机构最近一次批复日期"),
)
FIELDS: tuple[Field, ...] = (_STANDING, code_of(_STANDING), *_MEASURES)
# fmt: on

# In the order of the table, behind as_of, customer_id, run_id and evidence_date.
COLUMNS = (
    "contract_standing contract_standing_code contract_date contract_valid_to contracts_breached_12m contract_unsigned"
    " guarantee_clause retention_of_title parent_guarantee_valid collateral_valid_count collateral_value collateral_next_expiry"
    " collateral_expired_on collateral_date insurance_limit insurance_valid_to insurance_claim_filed insurance_date"
)
REQUIRED = "parent_guarantee_valid collateral_valid_count collateral_value insurance_claim_filed"
VALUES: dict[str, str] = {
    "contract_standing": "signed_with_retention_of_title signed_with_guarantee signed general_terms_only expired unsigned"
    " breached",
}

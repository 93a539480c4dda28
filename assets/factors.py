"""The factor tables: one asset per SQL file, depending on exactly the tables that file reads.

Put here: one line per factor table. Keep out: the SQL (risk_pipeline/factors) and its engine.
"""

import dagster as dg

from risk_pipeline.orchestration.dependencies import sources
from risk_pipeline.orchestration.resource import Assessment
from risk_pipeline.orchestration.results import materialised
from risk_pipeline.orchestration.specs import asset_arguments


def factor_asset(full_name: str) -> dg.AssetsDefinition:
    """The asset of one factor table, computed for every customer by the live run."""

    @dg.asset(**asset_arguments(full_name, deps={"audit.run", *sources(full_name)}))
    def compute(context: dg.AssetExecutionContext, assessment: Assessment) -> dg.MaterializeResult:
        with assessment.step(context) as run:
            return materialised(run, run.factor(full_name))

    return compute


customer_state = factor_asset("factor.customer_state")
people_decision = factor_asset("factor.people_decision")
financial_condition = factor_asset("factor.financial_condition")
due_diligence = factor_asset("factor.due_diligence")
credit_record = factor_asset("factor.credit_record")
industry_region = factor_asset("factor.industry_region")
market_environment = factor_asset("factor.market_environment")
contract_collateral = factor_asset("factor.contract_collateral")
open_item = factor_asset("factor.open_item")
exposure = factor_asset("factor.exposure")
collateral_item = factor_asset("factor.collateral_item")
collateral = factor_asset("factor.collateral")
exposure_by_currency = factor_asset("factor.exposure_by_currency")
transaction_history = factor_asset("factor.transaction_history")
behaviour = factor_asset("factor.behaviour")
newest_event = factor_asset("factor.newest_event")
group_state = factor_asset("factor.group_state")

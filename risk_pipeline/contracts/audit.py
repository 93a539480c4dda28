"""The audit tables: which runs and deliveries there were, what was published, checked, turned away, and done by whom.

Put here: which columns they have. Keep out: what a column means (fields_audit.py), how they are kept (store/register).
"""

from __future__ import annotations

from risk_pipeline.contracts.decision import RUN_LABELS
from risk_pipeline.contracts.fields import columns
from risk_pipeline.contracts.table import Table

AUDIT_TABLES: tuple[Table, ...] = (
    Table(
        layer="audit",
        name="run",
        grain="one row per run",
        owner="credit_risk",
        en="Every assessment run: what it saw, under which policy, how it ended",
        zh="评估运行记录：所见数据、所用政策及结果",
        key=("run_id",),
        columns=columns(
            "run_id as_of known_at label state policy_version policy_hash code_version previous_as_of previous_run_id"
            " stale_previous started_at ended_at message manifest",
            required="as_of known_at state started_at",
            values={"label": " ".join(RUN_LABELS), "state": "open published refused failed"},
        ),
    ),
    Table(
        layer="audit",
        name="delivery",
        grain="one row per delivery",
        owner="credit_risk",
        en="Every delivery of a feed, with its row counts: read = filtered + rejected + repeated + unchanged + stored",
        zh="数据交付批次及行数核对：读取 = 过滤 + 拒收 + 重复 + 未变 + 写入",
        key=("delivery_id",),
        columns=columns(
            "delivery_id feed mode state content_sha256 spec_hash files received_at known_assumption rows_read"
            " rows_filtered rows_rejected rows_repeated rows_unchanged rows_stored rows_closed warnings message"
            " delivery_kind origin_delivery_id",
            required="feed state received_at delivery_kind",
            values={
                "mode": "snapshot upsert append",
                "state": "effective refused no_op revoked",
                "delivery_kind": "source replay revocation",
            },
        ),
    ),
    Table(
        layer="audit",
        name="snapshot",
        grain="one row per published snapshot",
        owner="credit_risk",
        en="Every publication: the set of tables readers saw from then on",
        zh="发布快照：自此读者所见的全部表版本",
        key=("snapshot_id",),
        columns=columns(
            "snapshot_id parent_id run_id as_of published_at n_tables n_rows",
            required="run_id as_of published_at n_tables n_rows",
        ),
    ),
    Table(
        layer="audit",
        name="check_result",
        grain="one row per run, stage, check and table",
        owner="credit_risk",
        en="Results of every check of a run",
        zh="各次评估运行的检查结果",
        key=("run_id", "stage", "check_name", "table_name"),
        columns=columns(
            "run_id stage check_name table_name severity passed n_failed detail checked_at",
            required="severity passed n_failed checked_at",
            values={"severity": "error warn"},
        ),
    ),
    Table(
        layer="audit",
        name="event",
        grain="one row per recorded action",
        owner="credit_risk",
        en="The audit log: what was done by whom, as a hash chain in which nothing can be changed or left out unseen",
        zh="审计日志：何人何时做了何事，以哈希链相连，任何篡改或缺失均可发现",
        key=("seq",),
        columns=columns(
            "seq happened_at actor action subject detail_json previous_hash hash",
            required="happened_at actor action subject detail_json previous_hash hash",
        ),
    ),
    Table(
        layer="audit",
        name="quarantine",
        grain="one row per rejected source row, rule and column",
        owner="credit_risk",
        en="Source rows that were turned away, with the rule, the column and the value",
        zh="被拒收的来源行及所违反的规则、列与取值",
        key=("delivery_id", "source_file", "source_line", "rule", "column_name"),
        columns=columns(
            "delivery_id source_file source_line rule column_name feed value_text row_json quarantine_state",
            required="feed row_json quarantine_state",
            values={"quarantine_state": "open replayed superseded revoked"},
        ),
    ),
    Table(
        layer="audit",
        name="column_lineage",
        grain="one row per column, column it comes from, and way in which it does",
        owner="credit_risk",
        en="Column lineage of the newest publication: what every published column is made of, and what only chose, joined, "
        "grouped or ordered",
        zh="最新发布的字段级血缘：各字段由哪些字段计算而来，以及哪些字段仅用于筛选、关联、分组或排序",
        key=("table_name", "column_name", "source_table", "source_column", "transformation"),
        columns=columns(
            "table_name column_name source_table source_column influence transformation",
            required="influence",
            values={
                "influence": "direct indirect",
                "transformation": "identity transformation aggregation join filter group_by sort window conditional",
            },
        ),
    ),
    Table(
        layer="audit",
        name="decision_change",
        grain="one row per customer, figure that moved between two assessments, and cause",
        owner="credit_risk",
        en="Why scores, tiers and limits moved: each move shared exactly among its causes (risk-pipeline why --moved)",
        zh="评分、等级与额度变动归因：每次变动按原因精确分解（risk-pipeline why --moved）",
        key=("run_id", "previous_run_id", "customer_id", "measure", "cause"),
        columns=columns(
            "run_id previous_run_id as_of previous_as_of customer_id measure cause change_part before_text after_text",
            required="as_of previous_as_of change_part",
            values={"measure": "score tier limit", "cause": "time_passed new_facts corrected_facts policy override code"},
        ),
    ),
)

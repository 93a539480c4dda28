"""Fields of the audit tables: runs, deliveries, snapshots, checks, quarantine, the audit log.

Put here: columns about how a result came to be. Keep out: business facts and results (the other fields_*.py), and which
table uses which column (audit.py).
"""

from __future__ import annotations

from risk_pipeline.contracts.table import Field, Kind

# The formatter would make eight lines of a field; one or two read as a table.
# fmt: off
FIELDS: tuple[Field, ...] = (
    Field("known_at", Kind.TIMESTAMP, "State of knowledge the run used (UTC): later deliveries do not exist for it",
          "评估所依据的知悉截止时间（UTC），此后到达的数据视为不存在"),
    Field("label", Kind.TEXT, "Standing of the run: official, reconstructed (knowledge assumed), simulation (policy not in "
          "force)",
          "评估性质：正式、重建（知悉时间为假定）、模拟（政策当时未生效）"),
    Field("state", Kind.TEXT, "State of the run or delivery, from the closed list of its table",
          "评估或批次的状态，取值见各表的限定清单"),
    Field("policy_hash", Kind.TEXT, "SHA-256 of the resolved policy: its identity", "政策内容的 SHA-256，即政策身份"),
    Field("code_version", Kind.TEXT, "Version of this program that did the work", "执行程序的版本"),
    Field("previous_as_of", Kind.DATE, "Assessment date of the previous published assessment the decisions built on",
          "决策所承接的上一次已发布评估的基准日"),
    Field("previous_run_id", Kind.TEXT, "Run of the previous published assessment", "上一次已发布评估的运行编号"),
    Field("stale_previous", Kind.FLAG, "An earlier date was published again after this run, so its previous decisions are out "
          "of date",
          "本次评估之后更早日期被重新发布，其承接的上期决策已过时"),
    Field("started_at", Kind.TIMESTAMP, "Start of the run (UTC)", "运行开始时间（UTC）"),
    Field("ended_at", Kind.TIMESTAMP, "End of the run (UTC); empty while it is open", "运行结束时间（UTC）；未结束时为空"),
    Field("message", Kind.TEXT, "What happened, in words: why a run or delivery was refused",
          "情况说明：如运行或批次被拒绝的原因", sensitivity="internal"),
    Field("manifest", Kind.JSON, "What went into the run: deliveries, the whole policy with author and approver, versions of the "
          "engines, settings that count",
          "评估输入清单：数据批次、完整政策（含起草人与批准人）、引擎版本及相关设置"),
    Field("mode", Kind.TEXT, "Kind of delivery: snapshot (the whole truth), upsert (by key), append",
          "交付方式：全量快照、按主键更新、追加"),
    Field("content_sha256", Kind.TEXT, "SHA-256 of the delivered content", "交付内容的 SHA-256"),
    Field("spec_hash", Kind.TEXT, "SHA-256 of the resolved feed YAML; a mended mapping is a new delivery",
          "数据源配置的 SHA-256；修正映射后视为新批次"),
    Field("files", Kind.JSON, "Files of the delivery with size, hash and encoding", "批次文件清单（大小、哈希、编码）"),
    Field("received_at", Kind.TIMESTAMP, "When the delivery was ingested (UTC)", "批次入库时间（UTC）"),
    Field("known_assumption", Kind.TEXT, "Rule of the feed that sets known_from, empty = time of ingest",
          "数据源设定知悉时间的规则；为空表示以入库时间为准"),
    Field("rows_read", Kind.INTEGER, "Rows read from the files", "读取行数", "rows"),
    Field("rows_filtered", Kind.INTEGER, "Rows left out by the filter of the feed YAML", "按数据源过滤条件排除的行数", "rows"),
    Field("rows_rejected", Kind.INTEGER, "Rows rejected into quarantine", "被拒入隔离区的行数", "rows"),
    Field("rows_repeated", Kind.INTEGER, "Identical rows in the same delivery, collapsed into one",
          "同一批次内完全相同而合并的行数", "rows"),
    Field("rows_unchanged", Kind.INTEGER, "Rows already stored with the same values, not written again",
          "与已存数据一致而未重复写入的行数", "rows"),
    Field("rows_stored", Kind.INTEGER, "Rows written to the feed store", "写入存储的行数", "rows"),
    Field("rows_closed", Kind.INTEGER, "Earlier row versions that this delivery closed", "被本批次关闭的旧版本行数", "rows"),
    Field("warnings", Kind.JSON, "Warnings of the ingest: name and count", "入库警告：名称与次数"),
    Field("snapshot_id", Kind.INTEGER, "Running number of the published snapshot", "已发布快照的序号", "number"),
    Field("parent_id", Kind.INTEGER, "Snapshot this one was built on; empty for the first",
          "上一快照的序号；首个快照为空", "number"),
    Field("published_at", Kind.TIMESTAMP, "When readers began to see the snapshot (UTC)", "快照发布（可见）时间（UTC）"),
    Field("n_tables", Kind.INTEGER, "Tables in the snapshot", "快照包含的表数", "count"),
    Field("n_rows", Kind.INTEGER, "Rows in the snapshot, over all tables and dates", "快照总行数（所有表与日期）", "rows"),
    Field("stage", Kind.TEXT, "Stage of the run that was checked", "被检查的运行阶段"),
    Field("check_name", Kind.TEXT, "Name of the check", "检查项名称"),
    Field("table_name", Kind.TEXT, "Full name of a table; of a check that spans several, empty text",
          "表全名；跨表检查为空字符串"),
    Field("severity", Kind.TEXT, "Of a check: error blocks publication, warn is only shown. Of a finding or an alert: "
          "low to critical",
          "检查的严重程度：error 阻断发布，warn 仅提示；尽调发现与预警的严重程度：low 至 critical"),
    Field("passed", Kind.FLAG, "The check found nothing wrong", "检查是否通过"),
    Field("n_failed", Kind.INTEGER, "Rows or keys that failed", "未通过的行数或主键数", "count"),
    Field("detail", Kind.TEXT, "What was found, with examples; for a match with a list, the evidence as JSON",
          "检查发现及示例；名单匹配时为 JSON 形式的依据"),
    Field("checked_at", Kind.TIMESTAMP, "When the check ran (UTC)", "检查时间（UTC）"),
    Field("rule", Kind.TEXT, "In quarantine: rule that the row broke. In alerts and actions: rule of the policy",
          "被隔离行违反的规则；预警与措施中为政策规则编号"),
    Field("column_name", Kind.TEXT, "Column of the table; in quarantine the one that broke the rule, empty text when the rule "
          "concerns the whole row",
          "列名；隔离行中为违反规则的列，针对整行时为空字符串"),
    Field("source_table", Kind.TEXT, "Table the column comes from; policy stands for the policy (source_column is its key), "
          "previous.… for a table of the assessment before",
          "来源表；policy 表示政策（source_column 为其键），previous.… 表示上次评估的表"),
    Field("source_column", Kind.TEXT, "Column it comes from, one step back", "来源列（上一步）"),
    Field("influence", Kind.TEXT, "direct: the value is made of it; indirect: it only chooses, joins, groups or orders",
          "影响方式：direct 表示参与计算取值；indirect 表示仅用于筛选、关联、分组或排序"),
    Field("transformation", Kind.TEXT, "How, in the words of OpenLineage. Direct: identity (as it stands), transformation "
          "(computed), aggregation (of several rows). Indirect: join, filter (which rows), group_by, sort, window, conditional "
          "(which value)",
          "变换方式（OpenLineage 术语）。直接：identity 原值、transformation 计算、aggregation 多行汇总；"
          "间接：join 关联、filter 筛选行、group_by 分组、sort 排序、window 窗口、conditional 条件取值"),
    Field("row_json", Kind.JSON, "The whole source row as text values, for replay after correction",
          "整行原始数据（文本值），更正后可重放", sensitivity="personal"),
    Field("delivery_kind", Kind.TEXT, "Where the rows came from: source, replay of rejected rows, revocation of another delivery",
          "批次类别：来源读取、隔离行重放、撤销其他批次"),
    Field("origin_delivery_id", Kind.INTEGER, "Delivery that this one replays or revokes", "被重放或被撤销的批次号", "number"),
    Field("quarantine_state", Kind.TEXT, "open: still to be mended; replayed: taken up by a later replay; superseded: a later "
          "delivery says more; revoked: its delivery was revoked",
          "隔离行状态：待处理、已重放、已被后续批次取代、所属批次已撤销"),
    Field("seq", Kind.INTEGER, "Running number of the event, from 1 without a gap", "事件序号，自 1 起连续无缺", "number"),
    Field("happened_at", Kind.TIMESTAMP, "When it was done (UTC)", "发生时间（UTC）"),
    Field("actor", Kind.TEXT, "Who did it: the person named, or risk-pipeline for what the program does by itself",
          "操作人：具名人员；程序自动执行的记为 risk-pipeline"),
    Field("action", Kind.TEXT, "In the audit log: what was done, as noun.verb, such as delivery.revoked. Of a treatment: action "
          "of the policy",
          "审计日志中为操作，形如“名词.动词”，例如 delivery.revoked（批次撤销）；管理措施中为政策规定的措施"),
    Field("subject", Kind.TEXT, "What it was done to, such as delivery 12 or run r1", "操作对象，例如 delivery 12 或 run r1"),
    Field("detail_json", Kind.JSON, "Reason and particulars of the action", "操作的理由与细节", sensitivity="personal"),
    Field("previous_hash", Kind.TEXT, "Hash of the event before this one; empty text for the first",
          "上一事件的哈希；首个事件为空字符串"),
    Field("hash", Kind.TEXT, "SHA-256 of the event as canonical JSON (RFC 8785), previous_hash included",
          "事件规范化 JSON（RFC 8785，含 previous_hash）的 SHA-256"),
    Field("cause", Kind.TEXT, "What moved the figure: time passed, new facts, corrected facts, policy, override, code",
          "变动原因：时间推移、新事实、更正事实、政策、人工决定、程序版本"),
    Field("change_part", Kind.RATE, "Part of the move: points of the score, steps of the tier downwards, units of the limit; the "
          "parts of a move add up to it",
          "该原因所占变动：评分点、等级下调级数或额度金额；各原因之和等于全部变动"),
    Field("before_text", Kind.TEXT, "The figure in the earlier assessment", "较早评估中的取值"),
    Field("after_text", Kind.TEXT, "The figure in the later assessment", "较晚评估中的取值"),
)

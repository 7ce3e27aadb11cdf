package io.pgcaravan.grants;

import io.pgcaravan.batch.Ledger;
import io.pgcaravan.check.CheckedJob;
import io.pgcaravan.load.OnTruncate;
import io.pgcaravan.load.RowMode;
import io.pgcaravan.ship.exporter.Tracking;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What a role has to be granted in one database, as a script for psql that an administrator runs there. Running it again
 * changes nothing. It takes for granted that nothing was granted to PUBLIC but what PostgreSQL and PgQ grant in their own
 * schemas.
 */
public final class RoleGrants {

    private static final String OWN = Sql.file("grants/own-table-and-partitions");
    private static final String PARTITIONS = Sql.file("grants/partitions-too");
    private static final String UPDATE_IN_PLACE = Sql.file("grants/update-in-place");
    private static final String AS_FAR_AS_THERE = Sql.file("grants/as-far-as-there");
    private static final String MONITOR = Sql.file("grants/monitor");

    private final String role;
    private final StringBuilder script = new StringBuilder();
    private final Set<String> said = new LinkedHashSet<>();

    /** @param role raw */
    public RoleGrants(String role) {
        this.role = TableName.quote(role);
    }

    /** The script so far. */
    public String script() {
        return script.toString();
    }

    /** A comment above what follows, which is for another database than what came before. */
    public RoleGrants heading(String text) {
        said.clear();
        if (!script.isEmpty()) {
            script.append('\n');
        }
        comment("---- " + text);
        return this;
    }

    // ---- dispatch

    /** The side of the queue. */
    public RoleGrants source(List<CheckedJob> jobs) {
        connect();
        for (CheckedJob job : jobs) {
            comment("queue " + job.queue() + ", consumer " + job.consumer()
                    + ": batches, and where the consumer stands");
            membership(job.schema() + "_reader");
        }
        return this;
    }

    /** The side that rows go to. */
    public RoleGrants target(List<CheckedJob> jobs) {
        connect();
        List<CheckedJob.Load> loads =
                jobs.stream().flatMap(job -> job.loads().stream()).toList();
        if (loads.stream().anyMatch(RoleGrants::keyed)) {
            comment("changes of one key come down to their net effect in temporary tables");
            say("grant temporary on database :\"DBNAME\" to " + role + ";");
        }
        boolean parted = loads.stream().anyMatch(load -> load.partition() != null);
        boolean retires = loads.stream()
                .anyMatch(load -> load.partition() != null && load.partition().retention() != null);
        ledger(retires);
        comment("where its consumers stand, rows that could not be loaded, and partitions that were made");
        usage("pgq_ext");
        usage("caravan");
        grant("select, insert, update", new TableName("pgq_ext", "completed_tick"));
        grant("select, insert, update", new TableName("caravan", "position"));
        grant("insert", new TableName("caravan", "dead_letter"));
        grant(
                "select" + (parted ? ", insert, update" : "") + (retires ? ", delete" : ""),
                new TableName("caravan", "partition"));
        grant("select, insert, update", new TableName("caravan", "job"));
        if (retires) {
            grant("select, insert, update", new TableName("caravan", "retired_partition"));
        }
        comment("the commands of caravan dead-letter need more, by whomever they are used: select, delete on"
                + " caravan.dead_letter");
        Map<TableName, List<CheckedJob.Load>> byTable = new LinkedHashMap<>();
        loads.forEach(load -> byTable.computeIfAbsent(load.table(), table -> new ArrayList<>())
                .add(load));
        byTable.forEach(this::table);
        return this;
    }

    private static boolean keyed(CheckedJob.Load load) {
        return load.settings() != null && load.settings().rowMode().keyed();
    }

    /** Without it the role would have to be allowed to create schemas. */
    private void ledger(boolean retires) {
        comment(
                "the ledger, installed ahead, so that the role need not be able to create schemas; an earlier version's is"
                        + " brought up to this one, which takes its tables' owner");
        script.append("select to_regclass('pgq_ext.completed_tick') is null as no_pgq_ext \\gset\n")
                .append("\\if :no_pgq_ext\n")
                .append(Sql.file("target/pgq_ext").strip())
                .append("\n\\endif\n")
                .append("set client_min_messages = warning;\ncreate schema if not exists caravan;\n");
        List<String> files = new ArrayList<>(Ledger.OWN_TABLES);
        if (retires) {
            files.add("caravan.retired_partition");
        }
        for (String file : files) {
            String sql = Sql.file("target/" + file).strip();
            script.append(sql).append(sql.endsWith(";") ? "\n" : ";\n");
        }
        script.append("reset client_min_messages;\n");
    }

    private void table(TableName table, List<CheckedJob.Load> loads) {
        String schema = table.schema() == null ? "public" : table.schema();
        comment("table " + table);
        usage(schema);
        if (loads.stream().anyMatch(load -> load.partition() != null)) {
            comment("partitions are made in its schema, unless they are made ahead by somebody else");
            say("grant create on schema " + TableName.quote(schema) + " to " + role + ";");
            say(fill(OWN, table, null));
            return;
        }
        Set<String> rights = new LinkedHashSet<>();
        for (CheckedJob.Load load : loads) {
            rights.add("insert");
            if (keyed(load)) {
                rights.addAll(List.of("select", "delete"));
            }
            if (load.settings() != null && load.settings().rowMode() == RowMode.PLAIN) {
                rights.add("update");
            }
            if (load.settings() != null && load.settings().onTruncate() == OnTruncate.APPLY) {
                rights.add("truncate");
            }
        }
        String all = String.join(", ", rights);
        grant(all, table);
        say(fill(PARTITIONS, table, all));
    }

    /** A queue that events are put into. */
    public RoleGrants forwards(List<CheckedJob.Forward> forwards) {
        connect();
        for (CheckedJob.Forward forward : forwards) {
            comment("events go into queue " + forward.queue());
            membership(forward.schema() + "_writer");
        }
        return this;
    }

    // ---- queues

    /**
     * Making, ticking and dropping queues: the ticker route, {@code caravan queue}.
     *
     * @param schema where PgQ's functions are
     * @param tables that get triggers which write into queues
     */
    public RoleGrants queues(String schema, List<TableName> tables) {
        connect();
        comment("queues are made, ticked, rotated and dropped");
        membership(schema + "_admin");
        for (TableName table : tables) {
            comment("caravan queue create --table " + table);
            usage(table.schema());
            grant("trigger", table);
        }
        return this;
    }

    // ---- ship

    /** The side that changes are exported from. */
    public RoleGrants exports(List<TableName> tables, TableName ledger) {
        connect();
        usage(ledger.schema());
        for (TableName table : tables) {
            comment("table " + table + "; before this, as its owner: caravan ddl exporter " + table.schema() + " "
                    + table.name() + " --apply");
            usage(table.schema());
            grant("select", table);
            grant("select, delete", Tracking.tracking(table));
        }
        comment("the sets that were written");
        grant("select, insert, update, delete", ledger);
        return this;
    }

    /** The side that changes are imported into. */
    public RoleGrants imports(List<TableName> tables) {
        connect();
        comment("ids go into temporary tables");
        say("grant temporary on database :\"DBNAME\" to " + role + ";");
        usage("caravan");
        for (TableName table : tables) {
            comment("table " + table + "; before this, as its owner: caravan ddl importer " + table.schema() + " "
                    + table.name() + " --apply");
            usage(table.schema());
            grant("select, insert, delete", table);
            say(fill(UPDATE_IN_PLACE, table, null));
        }
        comment("the sets that were applied");
        grant("select, update", new TableName("caravan", "import_set"));
        grant("select, insert, delete", new TableName("caravan", "import_history"));
        return this;
    }

    /**
     * Either side of a comparison: {@code caravan compare}.
     *
     * @param ledger the source's
     */
    public RoleGrants compares(List<TableName> tables, TableName ledger) {
        return compares(tables, ledger, "select");
    }

    /** The source's side of {@code caravan repair}; the target's is that of a comparison. */
    public RoleGrants repairs(List<TableName> tables, TableName ledger) {
        return compares(tables, ledger, "select, insert");
    }

    private RoleGrants compares(List<TableName> tables, TableName ledger, String onNotes) {
        connect();
        StringBuilder wanted = new StringBuilder();
        for (TableName table : tables) {
            comment("table " + table);
            usage(table.schema());
            grant("select", table);
            wanted(wanted, Tracking.tracking(table), onNotes);
        }
        wanted(wanted, ledger, "select");
        wanted(wanted, new TableName("caravan", "import_set"), "select");
        comment("which rows and sets are on their way, as far as this database tells");
        say(fill(AS_FAR_AS_THERE.replace("{wanted}", wanted), null, null));
        return this;
    }

    private static void wanted(StringBuilder wanted, TableName table, String rights) {
        wanted.append(wanted.isEmpty() ? "" : ", ")
                .append('(')
                .append(Sql.literal(table.quoted()))
                .append(", ")
                .append(Sql.literal(rights))
                .append(')');
    }

    // ---- looking

    /**
     * Looking at all of it, in whichever database: {@code caravan status}, metrics.
     *
     * @param jobs whose tables and partitions are looked at too
     */
    public RoleGrants monitor(List<CheckedJob> jobs) {
        connect();
        String schemas = jobs.stream()
                .flatMap(job -> job.loads().stream())
                .map(load ->
                        load.table().schema() == null ? "public" : load.table().schema())
                .distinct()
                .map(Sql::literal)
                .collect(Collectors.joining(", "));
        say(fill(MONITOR.replace("{schemas}", schemas.isEmpty() ? "null" : schemas), null, null));
        return this;
    }

    // ---- statements

    private void connect() {
        say("grant connect on database :\"DBNAME\" to " + role + ";");
    }

    private void membership(String group) {
        say("grant " + TableName.quote(group) + " to " + role + ";");
    }

    private void usage(String schema) {
        say("grant usage on schema " + TableName.quote(schema) + " to " + role + ";");
    }

    private void grant(String rights, TableName table) {
        say("grant " + rights + " on table " + table.quoted() + " to " + role + ";");
    }

    private String fill(String sql, TableName table, String rights) {
        return sql.strip()
                .replace("{role}", Sql.literal(role))
                .replace("{rights}", rights == null ? "" : Sql.literal(rights))
                .replace("{table}", table == null ? "" : Sql.literal(table.quoted()));
    }

    private void say(String statement) {
        if (said.add(statement)) {
            script.append(statement).append('\n');
        }
    }

    /** Names of all kinds come in here, and none of them may end the line. */
    private void comment(String text) {
        script.append("-- ")
                .append(text.replaceAll("[\\p{Cntrl}\\u2028\\u2029]", "?"))
                .append('\n');
    }
}

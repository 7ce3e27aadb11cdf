package io.pgcaravan.ship.exporter;

import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.Sql;
import io.pgcaravan.sql.TableName;
import java.sql.Array;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A table that is exported, as the catalog has it at one moment.
 *
 * @param columns all but generated ones, raw
 * @param columnLine the same as the line that goes into {@code .columns}
 * @param described the same with their types, for noticing that something has changed
 * @param layout what else tells that: the table's file, and after a semicolon the numbers of its columns, the attributes of
 *     composite types and the labels of enums
 * @param key columns of the primary key, raw, in the key's order
 * @param operators by which the primary key's index tells its columns' values apart, with their schemas
 * @param image whether keys that are equal are also written in the same way, as 1.0 and 1.00 are not
 * @param xidColumn of the tracking table
 * @param rows the planner's estimate
 * @param refersTo oids of tables that its foreign keys point at
 * @param triggers which tracking triggers the table has, and which version of each
 * @param partitions leaf partitions by oid; empty for a plain table
 * @param outdated whether an earlier version made its triggers, which note nothing that replication writes
 * @param problem why its changes cannot be relied upon just now; null where all is well
 */
public record SourceTable(
        TableName name,
        long oid,
        boolean partitioned,
        List<String> columns,
        String columnLine,
        String described,
        String layout,
        List<String> key,
        List<String> operators,
        boolean image,
        String xidColumn,
        long rows,
        Set<Long> refersTo,
        String triggers,
        Map<Long, Leaf> partitions,
        boolean outdated,
        String problem) {

    private static final String TABLE = Sql.file("ship/source-table");
    private static final String TRIGGERS = Sql.file("ship/source-triggers");

    /** Another text where the tracking table was truncated or made anew: what it had noted is gone. */
    private static final String TRACKING =
            "select concat('table/', oid, '/', relfilenode) from pg_class where oid = to_regclass(?)";

    private static final int ROW = 1;
    private static final int INSERT = 4;
    private static final int DELETE = 8;
    private static final int UPDATE = 16;
    private static final int TRUNCATE = 32;
    private static final int EVERY_ROW = ROW | INSERT | UPDATE | DELETE;

    /**
     * A partition with rows.
     *
     * @param file its relfilenode: another one where it was truncated or rewritten
     * @param version of its row trigger
     */
    public record Leaf(long oid, String name, long file, String version) {

        static Map<Long, Leaf> parse(String text) {
            Map<Long, Leaf> leaves = new HashMap<>();
            for (String leaf : text.isEmpty() ? new String[0] : text.split(" ")) {
                // earlier versions have a further part before the last
                String[] part = leaf.split(":", -1);
                leaves.put(
                        Long.valueOf(part[0]),
                        new Leaf(Long.parseLong(part[0]), null, Long.parseLong(part[1]), part[part.length - 1]));
            }
            return leaves;
        }

        private String text() {
            return oid + ":" + file + ":" + version;
        }
    }

    /** What {@link Leaf#parse} reads. */
    String partitionsText() {
        return partitions.values().stream().map(Leaf::text).collect(Collectors.joining(" "));
    }

    /** The condition that {@code t} and {@code k} have the same key. */
    public String sameKey() {
        return sameKey(key, operators);
    }

    public static String sameKey(List<String> key, List<String> operators) {
        StringBuilder condition = new StringBuilder();
        for (int i = 0; i < key.size(); i++) {
            String column = TableName.quote(key.get(i));
            condition
                    .append(i == 0 ? "" : " and ")
                    .append("t.")
                    .append(column)
                    .append(" operator(")
                    .append(operators.get(i))
                    .append(") k.")
                    .append(column);
        }
        return condition.toString();
    }

    /** @throws ChangeSetException where it cannot be exported */
    public static SourceTable read(Connection source, TableName name) throws SQLException {
        TableName tracking = Tracking.tracking(name);
        SourceTable table =
                Query.first(source, TABLE, row -> read(source, name, tracking, row), name, tracking.quoted());
        if (table == null) {
            throw new ChangeSetException(
                    "there is no table " + name.quoted() + " in database \"" + source.getCatalog() + "\"");
        }
        return table;
    }

    private static SourceTable read(Connection source, TableName name, TableName tracking, ResultSet row)
            throws SQLException {
        String kind = row.getString("kind");
        String full = name.quoted();
        if (!kind.equals("r") && !kind.equals("p")) {
            throw new ChangeSetException(
                    full + " is not a plain or partitioned table, so that its changes cannot be shipped");
        }
        if (row.getBoolean("inherits")) {
            throw new ChangeSetException(full + " is part of an inheritance tree, whose rows may change behind its"
                    + " triggers; partitioned tables can be shipped");
        }
        if (!row.getBoolean("permanent")) {
            throw new ChangeSetException(
                    full + " is unlogged or temporary: a crash would empty it, and no trigger sees that");
        }
        List<String> key = texts(row.getArray("key"));
        List<String> tracked = texts(row.getArray("tracking_columns"));
        if (key.isEmpty()) {
            throw new ChangeSetException(full + " has no primary key, so that its rows cannot be told apart");
        }
        String install = "caravan ddl exporter " + name.schema() + " " + name.name() + " --apply";
        if (tracked.isEmpty()) {
            throw new ChangeSetException("the changes of " + full + " are not tracked: " + install + " installs that");
        }
        if (tracked.size() != key.size() + 1 || !tracked.subList(0, key.size()).equals(key)) {
            throw new ChangeSetException("the tracking table " + tracking.quoted() + " is not for the primary key of "
                    + full + " (" + String.join(", ", key) + "): caravan ddl reset " + name.schema() + " "
                    + name.name() + " --apply, then " + install);
        }
        long oid = row.getLong("oid");
        boolean partitioned = kind.equals("p");
        boolean byRow = partitioned || row.getBoolean("is_partition");
        Triggers triggers = Triggers.read(source, oid, tracking, byRow, row.getBoolean("subscribed"), partitioned);
        return new SourceTable(
                name,
                oid,
                partitioned,
                texts(row.getArray("columns")),
                row.getString("column_line"),
                row.getString("described"),
                row.getString("layout"),
                key,
                texts(row.getArray("operators")),
                row.getBoolean("image"),
                tracked.get(key.size()),
                row.getLong("rows"),
                oids(row.getArray("refers_to")),
                triggers.text,
                triggers.leaves,
                triggers.outdated,
                triggers.problem == null ? null : triggers.problem + " (" + install + " mends that)");
    }

    private static List<String> texts(Array array) throws SQLException {
        return array == null ? List.of() : List.of((String[]) array.getArray());
    }

    private static Set<Long> oids(Array array) throws SQLException {
        return array == null
                ? Set.of()
                : Arrays.stream((Long[]) array.getArray()).collect(Collectors.toSet());
    }

    private record Triggers(String text, Map<Long, Leaf> leaves, boolean outdated, String problem) {

        private record Found(String name, String kind, boolean permanent, long file, List<One> triggers) {
            boolean has(int bits, boolean replicated) {
                return triggers.stream()
                        .anyMatch(t -> (t.type & bits) == bits
                                && (t.type & ROW) == (bits & ROW)
                                && t.replicated == replicated
                                && t.enabled.equals("A"));
            }

            boolean has(int bits) {
                return has(bits, false);
            }
        }

        /** @param replicated whether it notes only what replication writes */
        private record One(long oid, int type, boolean replicated, String enabled, String version) {}

        static Triggers read(
                Connection source, long oid, TableName function, boolean byRow, boolean subscribed, boolean partitioned)
                throws SQLException {
            Map<Long, Found> members = new LinkedHashMap<>();
            String tracking = Query.text(source, TRACKING, function.quoted());
            Query.all(
                    source,
                    TRIGGERS,
                    row -> {
                        long member = row.getLong("member");
                        if (!members.containsKey(member)) {
                            members.put(
                                    member,
                                    new Found(
                                            row.getString("name"),
                                            row.getString("kind"),
                                            row.getBoolean("permanent"),
                                            row.getLong("file"),
                                            new ArrayList<>()));
                        }
                        return row.getObject("trigger") != null
                                && members.get(member)
                                        .triggers
                                        .add(new One(
                                                row.getLong("trigger"),
                                                row.getInt("type"),
                                                row.getBoolean("replicated"),
                                                row.getString("enabled"),
                                                row.getString("version")));
                    },
                    oid,
                    oid,
                    function.quoted() + "()");
            Found root = members.get(oid);
            String problem = root.has(TRUNCATE) ? null : "its TRUNCATE trigger is missing or not ENABLE ALWAYS";
            boolean outdated = false;
            Map<Long, Leaf> leaves = new LinkedHashMap<>();
            for (Map.Entry<Long, Found> entry : members.entrySet()) {
                Found member = entry.getValue();
                boolean rows = member.has(EVERY_ROW);
                boolean statements = !byRow
                        && member.has(INSERT)
                        && member.has(UPDATE)
                        && member.has(DELETE)
                        && member.has(ROW | UPDATE);
                outdated |= statements && !member.has(EVERY_ROW, true);
                if (!rows && (!statements || outdated && subscribed)) {
                    problem = "a tracking trigger of " + member.name + " is missing or not ENABLE ALWAYS";
                }
                if (member.kind.equals("f") || !member.permanent) {
                    problem = "its partition " + member.name + " is a foreign or unlogged table";
                }
                if (partitioned && member.kind.equals("r")) {
                    String version = member.triggers.stream()
                            .filter(t -> (t.type & EVERY_ROW) == EVERY_ROW)
                            .map(t -> t.oid + "/" + t.version)
                            .findFirst()
                            .orElse("");
                    leaves.put(entry.getKey(), new Leaf(entry.getKey(), member.name, member.file, version));
                }
            }
            String text = Stream.concat(
                            root.triggers.stream().map(t -> t.oid + "/" + t.version + "/" + t.enabled),
                            Stream.of(tracking))
                    .collect(Collectors.joining(" "));
            return new Triggers(text, leaves, outdated, problem);
        }
    }
}

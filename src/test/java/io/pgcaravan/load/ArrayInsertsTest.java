package io.pgcaravan.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pgcaravan.queue.Event;
import io.pgcaravan.row.ColumnSet;
import io.pgcaravan.row.Op;
import io.pgcaravan.row.RowChange;
import io.pgcaravan.table.TableName;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Rows inserted as arrays are the rows that VALUES would insert. */
class ArrayInsertsTest {

    private static final TableName TABLE = TableName.parse("t");

    @Test
    void every_type_takes_the_same_texts_as_values_do() throws Exception {
        List<String[]> columns = List.of(
                new String[] {"bool", "t", "false", "yes", " on "},
                new String[] {"bytea", "\\xdeadbeef", "a\\\\b", "\\x", ""},
                new String[] {"int8", "9223372036854775807", " 12 ", "-1", "0"},
                new String[] {"int2", "1", "-2", "3", "4"},
                new String[] {"int4", "1", "-2", "3", "4"},
                new String[] {"text", "a,b{c}\"d\\e", "NULL", "", "  ü\n\t"},
                new String[] {"oid", "1", "2", "3", "4"},
                new String[] {"json", "{\"a\": [1, \"x\\\"y\"]}", "null", "1", "\"\""},
                new String[] {"xml", "<a b=\"c\">x</a>", "", "x", "y"},
                new String[] {"cidr", "10.0.0.0/8", "::/0", "10.0.0.1", "10.1.0.0/16"},
                new String[] {"float4", "1.5", "NaN", "-infinity", "1e10"},
                new String[] {"float8", "1.5", "NaN", "-infinity", "1e300"},
                new String[] {"macaddr", "08:00:2b:01:02:03", "08002b010203", "08-00-2b-01-02-03", "0800.2b01.0203"},
                new String[] {"inet", "10.0.0.1/8", "::1", "10.0.0.1", "10.1.0.0/16"},
                new String[] {"char(3)", "a", "abc", "ab ", "abc   "},
                new String[] {"varchar(3)", "a", "abc", "ab ", "abc   "},
                new String[] {"date", "2026-10-01", "infinity", "0044-03-15 BC", "10000-01-01"},
                new String[] {"time(0)", "10:00", "23:59:59.6", "24:00", "10:00 PM"},
                new String[] {"timestamp(0)", "2026-10-01 10:00:00.7", "-infinity", "2026-10-01", "now"},
                new String[] {"timestamptz", "2026-10-01 10:00:00+03", "2026-10-01", "epoch", "2026-10-01 UTC"},
                new String[] {"interval day", "1 day 2 hours", "P1Y", "-3", "1 mon"},
                new String[] {"timetz", "10:00+02", "10:00", "10:00Z", "24:00-11"},
                new String[] {"numeric(10,2)", "1.005", "-99999999.99", "NaN", "1e3"},
                new String[] {
                    "uuid",
                    "a0eebc999c0b4ef8bb6d6bb9bd380a11",
                    "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}",
                    "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
                    "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12"
                },
                new String[] {"jsonb", "{\"a\": [1, \"x\\\"y\"]}", "null", "1", "\"\""});
        for (String[] column : columns) {
            try (LoadTarget target = new LoadTarget("arrays")) {
                target.execute("create table t (id int, v " + column[0] + ")");
                List<String[]> rows = new ArrayList<>();
                for (int i = 1; i < column.length; i++) {
                    rows.add(new String[] {Integer.toString(i), column[i]});
                }
                rows.add(new String[] {"5", null});
                target.connection.setAutoCommit(false);
                insert(target, rows, "id", "v");
                List<String> asArrays = target.rows("select id, v::text from t order by id");
                target.execute("delete from t");
                values(target, rows, "id", "v");
                List<String> asValues = target.rows("select id, v::text from t order by id");
                assertThat(asArrays).as(column[0]).isEqualTo(asValues).hasSize(5);
            }
        }
    }

    @Test
    void a_value_that_is_too_long_is_refused_and_not_cut() throws Exception {
        for (String type : List.of("varchar(3)", "char(3)", "numeric(3,1)")) {
            try (LoadTarget target = new LoadTarget("arrays")) {
                target.execute("create table t (v " + type + ")");
                target.connection.setAutoCommit(false);
                assertThatThrownBy(() -> insert(target, List.<String[]>of(new String[] {"1234"}), "v"))
                        .as(type)
                        .isInstanceOf(SQLException.class)
                        .satisfies(e ->
                                assertThat(((SQLException) e).getSQLState()).startsWith("22"));
            }
        }
    }

    @Test
    void tables_with_other_types_and_missing_columns_are_left_to_values() throws Exception {
        try (LoadTarget target = new LoadTarget("arrays")) {
            target.execute(
                    "create domain short as varchar(3)",
                    "create table t (id int, a int[], b bit(3), c box, d short, e name, f \"char\")");
            target.connection.setAutoCommit(false);
            ArrayInserts arrays = new ArrayInserts(target.connection);
            arrays.meet(List.of(TABLE, TableName.parse("absent")));
            for (String column : List.of("a", "b", "c", "d", "e", "f", "missing")) {
                assertThat(arrays.of(TABLE, new ColumnSet(List.of(column)), List.of(row("1"))))
                        .as(column)
                        .isNull();
            }
            assertThat(arrays.of(TableName.parse("absent"), new ColumnSet(List.of("id")), List.of(row("1"))))
                    .isNull();
            assertThat(arrays.of(TABLE, new ColumnSet(List.of("id")), List.of(row("1"))))
                    .isNotNull();
        }
    }

    private static void insert(LoadTarget target, List<String[]> rows, String... columns) throws SQLException {
        ArrayInserts arrays = new ArrayInserts(target.connection);
        arrays.meet(List.of(TABLE));
        ArrayInserts.Insert insert = arrays.of(
                TABLE,
                new ColumnSet(List.of(columns)),
                rows.stream().map(ArrayInsertsTest::row).toList());
        try (PreparedStatement statement = target.connection.prepareStatement(insert.statement())) {
            for (int i = 0; i < columns.length; i++) {
                statement.setObject(i + 1, insert.arrays().get(i), Types.OTHER);
            }
            assertThat(statement.executeUpdate()).isEqualTo(rows.size());
        }
    }

    private static void values(LoadTarget target, List<String[]> rows, String... columns) throws SQLException {
        try (PreparedStatement statement = target.connection.prepareStatement("insert into t values ("
                + Arrays.stream(columns).map(column -> "?").collect(Collectors.joining(", ")) + ")")) {
            for (String[] row : rows) {
                for (int i = 0; i < row.length; i++) {
                    statement.setObject(i + 1, row[i], Types.OTHER);
                }
                statement.executeUpdate();
            }
        }
    }

    private static RowChange row(String... values) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        int[] bounds = new int[2 * values.length];
        for (int i = 0; i < values.length; i++) {
            if (values[i] == null) {
                bounds[2 * i] = -1;
                bounds[2 * i + 1] = -1;
            } else {
                bounds[2 * i] = bytes.size();
                bytes.writeBytes(values[i].getBytes(StandardCharsets.UTF_8));
                bounds[2 * i + 1] = bytes.size();
            }
        }
        ColumnSet columns = new ColumnSet(
                IntStream.range(0, values.length).mapToObj(i -> "c" + i).toList());
        return new RowChange(
                Event.of(1, Instant.EPOCH, "I", null),
                Op.INSERT,
                List.of(),
                columns,
                bytes.toByteArray(),
                bounds,
                null);
    }
}

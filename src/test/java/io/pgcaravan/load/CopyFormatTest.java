package io.pgcaravan.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.pgcaravan.PgServer;
import io.pgcaravan.row.ColumnSet;
import io.pgcaravan.row.Op;
import io.pgcaravan.row.RowChange;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;

/** What PostgreSQL makes of rows in the text and in the binary format is the same, to the last byte stored. */
class CopyFormatTest {

    private static final ColumnSet COLUMNS = new ColumnSet(List.of("n", "v"));
    private static final int[] POSITIONS = {0, 1};
    private static final int FUZZED = 20_000;

    private static Connection connection;

    private final Random random = new Random(20261002);

    @BeforeAll
    static void connect() throws SQLException {
        connection = DriverManager.getConnection(PgServer.get().createDatabase("copy_format"));
        connection.setAutoCommit(false);
    }

    @AfterEach
    void rollBack() throws SQLException {
        connection.rollback();
    }

    @AfterAll
    static void disconnect() throws SQLException {
        connection.close();
    }

    /** Texts that a column of this type might meet: as PostgreSQL writes them, unusual, and wrong. */
    private static final Map<String, List<String>> TEXTS = new HashMap<>();

    static {
        List<String> integers = List.of(
                "0",
                "1",
                "-1",
                "-0",
                "007",
                "-007",
                "32767",
                "32768",
                "-32768",
                "-32769",
                "2147483647",
                "2147483648",
                "-2147483648",
                "-2147483649",
                "999999999999999999",
                "-999999999999999999",
                "9223372036854775807",
                "-9223372036854775808",
                "9223372036854775808",
                "000000000000000000000001",
                "",
                " 1",
                "1 ",
                "+1",
                "1_000",
                "0x10",
                "1.0",
                "1e3",
                "a",
                "-",
                "--1",
                "１",
                "1-1",
                "1\t");
        TEXTS.put("int2", integers);
        TEXTS.put("int4", integers);
        TEXTS.put("int8", integers);
        List<String> numbers = List.of(
                "0",
                "-0",
                "0.0",
                "-0.000",
                "1",
                "-1",
                "10",
                "9999",
                "10000",
                "10001",
                "100000000",
                "99999999.9999",
                "1.5",
                "1.50",
                "1.500000",
                "0.5",
                "0.05",
                "0.0005",
                "0.00005",
                "0.000050000",
                "-0.00005",
                "00012.3400",
                "123456789012345678901234567890.123456789",
                "1000000000000",
                "10000000.00010000",
                "12345.6789",
                "3.4028235e38",
                "3.5e38",
                "1e-45",
                "1e-46",
                "1.17549435e-38",
                "1e-38",
                "2.2250738585072014e-308",
                "2.2250738585072011e-308",
                "4.9e-324",
                "1e-400",
                "1e400",
                "-1e400",
                "0e99999",
                "0e9999",
                "1.7976931348623157e308",
                "1.7976931348623159e308",
                "9007199254740993",
                "0.1",
                "16777217",
                "8388609.5",
                "1e5",
                "1E+5",
                "1e-5",
                "NaN",
                "nan",
                "Infinity",
                "-Infinity",
                "inf",
                "",
                " 1",
                "1 ",
                "+1",
                "1.",
                ".5",
                "1..2",
                "1.2.3",
                "1_000",
                "0x1F",
                "1e",
                "1e+",
                "1f",
                "1d",
                "0x1p3",
                "-",
                "-.5",
                "1,5",
                "1.-5",
                "1.5-",
                "99999999.995",
                "99999999.994",
                "0.005",
                "0.004999");
        for (String type : List.of("numeric", "numeric(10,2)", "numeric(3,-2)", "float4", "float8")) {
            TEXTS.put(type, numbers);
        }
        TEXTS.put(
                "bool",
                List.of(
                        "t", "f", "true", "false", "T", "TRUE", "yes", "no", "on", "off", "1", "0", "", " t", "tr",
                        "x"));
        TEXTS.put(
                "uuid",
                List.of(
                        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
                        "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
                        "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}",
                        "a0eebc999c0b4ef8bb6d6bb9bd380a11",
                        "a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11",
                        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1g",
                        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1",
                        "00000000-0000-0000-0000-000000000000",
                        ""));
        List<String> days = List.of(
                "2026-10-02",
                "2000-01-01",
                "1999-12-31",
                "0001-01-01",
                "9999-12-31",
                "10000-01-01",
                "0000-01-01",
                "2024-02-29",
                "2023-02-29",
                "1900-02-29",
                "2000-02-29",
                "2026-02-30",
                "2026-04-31",
                "2026-13-01",
                "2026-00-10",
                "2026-10-00",
                "1582-10-10",
                "0044-03-15 BC",
                "infinity",
                "-infinity",
                "epoch",
                "now",
                "today",
                "",
                "02/01/2026",
                "02-01-2026",
                "02.01.2026",
                "20261002",
                "2026-1-2",
                "2026/10/02",
                " 2026-10-02",
                "2026-10-02 ",
                "99-10-02",
                "5874897-12-31",
                "2026-10-0a",
                "2026-10-02 24:00:00",
                "2026-275",
                "J2461316");
        TEXTS.put("date", days);
        List<String> times = new ArrayList<>(days);
        for (String time : List.of(
                "03:04:05",
                "00:00:00",
                "23:59:59",
                "23:59:59.999999",
                "23:59:59.9999995",
                "24:00:00",
                "24:00:01",
                "23:59:60",
                "12:00:00.1",
                "12:00:00.123456",
                "12:00:00.1234567",
                "12:00",
                "12",
                "1:02:03",
                "12:00:00.",
                "12:60:00",
                "25:00:00",
                "12:00:00 PM",
                "12:00:00 BC",
                "12:00:00.000001",
                "120000",
                "12:00:00,5",
                "12:00:0a")) {
            for (String zone : List.of(
                    "",
                    "+00",
                    "-00",
                    "+02",
                    "-11:30",
                    "+05:30",
                    "+0530",
                    "+14",
                    "+14:59",
                    "+15:30",
                    "+16",
                    "-15:59:59",
                    "+01:02:03",
                    " +02",
                    "Z",
                    " UTC",
                    " EET",
                    " Europe/Athens",
                    "+02:60",
                    "+2",
                    "+02 BC",
                    "+02:",
                    "++02")) {
                times.add("2026-10-02 " + time + zone);
            }
            times.add("2026-10-02T" + time);
            times.add("2026-10-02T" + time + "+02");
            times.add("2026-10-02t" + time + "+02");
            times.add("2026-10-02  " + time + "+02");
        }
        times.addAll(List.of(
                "0001-01-01 00:00:00+14",
                "9999-12-31 23:59:59.999999-14",
                "1890-01-01 00:00:00+01:34:52",
                "2026-03-29 02:30:00",
                "2026-03-29 02:30:00+02",
                "2026-10-02+02",
                "2026-10-02 +02",
                "Fri Oct 02 03:04:05 2026"));
        for (String type : List.of("timestamp", "timestamptz", "timestamp(0)", "timestamptz(3)")) {
            TEXTS.put(type, times);
        }
        TEXTS.put(
                "bytea",
                List.of(
                        "",
                        "\\x",
                        "\\x00",
                        "\\xDEADbeef",
                        "\\xf",
                        "\\xzz",
                        "\\x 00",
                        "\\x00 01",
                        "abc",
                        "\\000",
                        "\\\\",
                        "\\X00"));
        List<String> words = List.of(
                "",
                " ",
                "   ",
                "a",
                "abc",
                "abcde",
                "abcdef",
                "abc  ",
                "abcde  ",
                "abcdefg  ",
                "ééééé",
                "éééééé",
                "日本",
                "𝄞",
                "\\",
                "\\N",
                "\\.",
                "a\tb",
                "a\nb",
                "a\r\nb",
                "\b\f\u000b",
                "\u0001\u007f",
                "'\"");
        for (String type : List.of("text", "varchar", "varchar(5)", "bpchar", "char(5)", "char(1)")) {
            TEXTS.put(type, words);
        }
        List<String> documents = List.of(
                "{}",
                "[]",
                "null",
                "1",
                "\"a\"",
                "{\"a\": 1,  \"b\":[1.50, \"\\u00e9\\n\"], \"a\": 2}",
                " {\"é\": \"日本\"} ",
                "",
                "{",
                "'a'",
                "{\"a\": \"\\u0000\"}",
                "[1e400]",
                "{\"a\": \"x\ty\"}",
                "nul",
                "{\"a\":1}}");
        TEXTS.put("json", documents);
        TEXTS.put("jsonb", documents);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "int2",
                "int4",
                "int8",
                "numeric",
                "numeric(10,2)",
                "numeric(3,-2)",
                "float4",
                "float8",
                "bool",
                "uuid",
                "date",
                "timestamp",
                "timestamptz",
                "timestamp(0)",
                "timestamptz(3)",
                "bytea",
                "text",
                "varchar",
                "varchar(5)",
                "bpchar",
                "char(5)",
                "char(1)",
                "json",
                "jsonb"
            })
    void every_value_that_binary_takes_fares_as_in_text(String type) throws SQLException {
        assumeTrue(
                !type.contains("-") || connection.getMetaData().getDatabaseMajorVersion() >= 15,
                "a negative scale is possible from PostgreSQL 15 on");
        for (String settings : List.of("ISO, MDY/UTC", "ISO, DMY/Asia/Kolkata", "ISO, YMD/America/New_York")) {
            int slash = settings.indexOf('/');
            createTables(type, settings.substring(0, slash), settings.substring(slash + 1));
            CopyFormat binary = binary();
            int taken = 0;
            for (String text : TEXTS.get(type)) {
                CopyBuffer out = new CopyBuffer(16);
                binary.header(out);
                int mark = out.length();
                if (binary.append(row("1", text), POSITIONS, out)) {
                    binary.trailer(out);
                    taken++;
                    assertThat(outcome(binary, out)).as("%s '%s'", type, text).isEqualTo(outcomeInText(text));
                } else {
                    assertThat(out.length()).isEqualTo(mark);
                }
            }
            assertThat(taken).isPositive();
            connection.rollback();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "int2",
                "int4",
                "int8",
                "numeric",
                "numeric(10,2)",
                "float4",
                "float8",
                "bool",
                "uuid",
                "date",
                "timestamp",
                "timestamptz",
                "timestamp(0)",
                "timestamptz(3)",
                "bytea",
                "text",
                "char(5)",
                "json",
                "jsonb"
            })
    void random_values_arrive_alike_and_spoiled_ones_are_declined(String type) throws SQLException {
        createTables(type, "ISO, DMY", "Asia/Kolkata");
        CopyFormat binary = binary();
        CopyBuffer inBinary = new CopyBuffer(16);
        CopyBuffer inText = new CopyBuffer(16);
        binary.header(inBinary);
        int taken = 0;
        for (int n = 0; n < FUZZED; n++) {
            String text = randomText(type);
            boolean spoiled =
                    n % 2 == 1 && !type.startsWith("text") && !type.startsWith("json") && !type.startsWith("char");
            RowChange row = row("" + n, spoiled ? spoil(text) : text);
            if (binary.append(row, POSITIONS, inBinary)) {
                taken++;
                CopyText.INSTANCE.append(row, POSITIONS, inText);
            } else {
                assertThat(spoiled).as("%s '%s' is declined", type, text).isTrue();
            }
        }
        binary.trailer(inBinary);

        // were one of them no value at all, this would fail
        assertThat(copy("in_text", CopyText.INSTANCE, inText)).isEqualTo(taken);
        assertThat(copy("in_binary", binary, inBinary)).isEqualTo(taken);
        assertThat(count("select count(*) from in_text t full join in_binary b using (n)"
                        + " where t.n is null or b.n is null or not record_image_eq(row(t.v), row(b.v))"))
                .isZero();
    }

    @Test
    void what_logutriga_writes_of_each_type_goes_in_binary() {
        Map.of(
                        "20", "9123456789",
                        "1700", "-1234.50",
                        "701", "1.25e-07",
                        "16", "t",
                        "1082", "2026-10-02",
                        "1114", "2026-10-02 03:04:05.1",
                        "1184", "2026-10-02 03:04:05.123456+05:30",
                        "2950", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
                        "17", "\\x00ff",
                        "3802", "{\"a\": 1}")
                .forEach((oid, text) -> assertThat(CopyFormat.forTypes(new int[] {25, Integer.parseInt(oid)})
                                .append(row("1", text), POSITIONS, new CopyBuffer(16)))
                        .as("type %s, '%s'", oid, text)
                        .isTrue());
    }

    @ParameterizedTest
    @CsvSource({
        "1184, 2026-10-02 03:04:05",
        "1184, 2026-10-02",
        "1184, 2026-10-02 03:04:05 EET",
        "1114, 2026-10-02 03:04:05+02",
        "1114, 02/01/2026 05:04 EET",
        "1082, infinity",
        "1082, 0044-03-15 BC",
        "1700, NaN",
        "701, NaN",
        "701, -Infinity",
        "1114, 2026-10-02 24:00:00",
        "23, ' 1'",
        "23, +1",
        "23, 1_000",
        "21, 32768",
        "23, 2147483648",
        "16, yes",
        "17, abc"
    })
    void what_depends_on_settings_or_needs_a_judge_is_left_to_postgresql(int oid, String text) {
        CopyBuffer out = new CopyBuffer(16);

        assertThat(CopyFormat.forTypes(new int[] {25, oid}).append(row("1", text), POSITIONS, out))
                .isFalse();
        assertThat(out.length()).isZero();
    }

    @Test
    void one_column_of_another_type_makes_it_text() {
        assertThat(CopyFormat.forTypes(new int[] {20, 25})).isInstanceOf(CopyBinary.class);
        // an array of int4
        assertThat(CopyFormat.forTypes(new int[] {20, 1007})).isSameAs(CopyText.INSTANCE);
    }

    @Test
    void nulls_and_columns_the_row_lacks_are_null_in_both_formats() throws SQLException {
        createTables("text", "ISO, MDY", "UTC");
        for (CopyFormat format : List.of(CopyText.INSTANCE, binary())) {
            CopyBuffer out = new CopyBuffer(16);
            format.header(out);
            assertThat(format.append(row("1", null), POSITIONS, out)).isTrue();
            assertThat(format.append(row("2", "x"), new int[] {0, -1}, out)).isTrue();
            assertThat(format.append(row("x", "3"), new int[] {1, 0}, out)).isTrue();
            format.trailer(out);
            copy("in_text", format, out);
        }
        assertThat(count("select count(*) from in_text where n in (1, 2) and v is null"))
                .isEqualTo(4);
        assertThat(count("select count(*) from in_text where n = 3 and v = 'x'"))
                .isEqualTo(2);
    }

    @Test
    void any_text_survives_the_text_format() throws SQLException {
        createTables("text", "ISO, MDY", "UTC");
        String[] pieces = {
            "\\", "N", ".", "\t", "\n", "\r", "\b", "\f", "\u000b", "\u0001", "\u007f", "n", "x41", "101", "é", "𝄞",
            " ", "\"", ","
        };
        CopyBuffer out = new CopyBuffer(16);
        List<String> texts = new ArrayList<>(List.of("", "\\N", "\\.", "\n", "\\"));
        while (texts.size() < 5000) {
            StringBuilder text = new StringBuilder();
            for (int i = random.nextInt(8); i >= 0; i--) {
                text.append(pieces[random.nextInt(pieces.length)]);
            }
            texts.add(text.toString());
        }
        for (int n = 0; n < texts.size(); n++) {
            CopyText.INSTANCE.append(row("" + n, texts.get(n)), POSITIONS, out);
        }
        copy("in_text", CopyText.INSTANCE, out);

        List<String> arrived = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("select v from in_text order by n")) {
            while (rows.next()) {
                arrived.add(rows.getString(1));
            }
        }
        assertThat(arrived).isEqualTo(texts);
    }

    @Test
    void a_buffer_goes_back_to_its_mark() {
        CopyBuffer out = new CopyBuffer(0);
        out.put("abc".getBytes(StandardCharsets.US_ASCII), 0, 3);
        int mark = out.length();
        out.put(new byte[1000], 0, 1000);
        out.truncate(mark);

        assertThat(Arrays.copyOf(out.array(), out.length())).asString().isEqualTo("abc");
        assertThatIllegalArgumentException().isThrownBy(() -> out.truncate(mark + 1));
    }

    private static void createTables(String type, String dateStyle, String timeZone) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("set local datestyle = '" + dateStyle + "'");
            statement.execute("set local timezone = '" + timeZone + "'");
            statement.execute("create temporary table in_text (n int4, v " + type + ") on commit drop");
            statement.execute("create temporary table in_binary (n int4, v " + type + ") on commit drop");
        }
    }

    /** The binary format for the tables' columns. */
    private static CopyFormat binary() throws SQLException {
        CopyFormat format = CopyFormat.forTypes(new int[] {
            23,
            (int) count(
                    "select atttypid::int8 from pg_attribute where attrelid = 'in_binary'::regclass and attname = 'v'")
        });
        assertThat(format).isInstanceOf(CopyBinary.class);
        return format;
    }

    private static String outcomeInText(String text) throws SQLException {
        CopyBuffer out = new CopyBuffer(16);
        CopyText.INSTANCE.append(row("1", text), POSITIONS, out);
        return outcome(CopyText.INSTANCE, out);
    }

    /** What the table stores, or the SQLSTATE that refuses it. */
    private static String outcome(CopyFormat format, CopyBuffer out) throws SQLException {
        Savepoint before = connection.setSavepoint();
        try (Statement statement = connection.createStatement()) {
            copy("in_text", format, out);
            try (ResultSet stored = statement.executeQuery(
                    "select v::text, pg_column_size(v), encode(record_send(row(v)), 'hex') from in_text")) {
                stored.next();
                return stored.getString(1) + " (" + stored.getInt(2) + " bytes, " + stored.getString(3) + ")";
            }
        } catch (SQLException e) {
            return e.getSQLState();
        } finally {
            connection.rollback(before);
        }
    }

    private static long copy(String table, CopyFormat format, CopyBuffer out) throws SQLException {
        CopyIn copy = connection
                .unwrap(PGConnection.class)
                .getCopyAPI()
                .copyIn("copy " + table + " (n, v) from stdin " + format.options());
        try {
            copy.writeToCopy(out.array(), 0, out.length());
            return copy.endCopy();
        } finally {
            if (copy.isActive()) {
                copy.cancelCopy();
            }
        }
    }

    private static long count(String query) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet answer = statement.executeQuery(query)) {
            answer.next();
            return answer.getLong(1);
        }
    }

    private static RowChange row(String... values) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        int[] bounds = new int[2 * values.length];
        for (int i = 0; i < values.length; i++) {
            bounds[2 * i] = values[i] == null ? -1 : bytes.size();
            if (values[i] != null) {
                bytes.writeBytes(values[i].getBytes(StandardCharsets.UTF_8));
            }
            bounds[2 * i + 1] = values[i] == null ? -1 : bytes.size();
        }
        return new RowChange(null, Op.INSERT, List.of(), COLUMNS, bytes.toByteArray(), bounds, null);
    }

    private String randomText(String type) {
        return switch (type) {
            case "int2" -> "" + (short) random.nextInt();
            case "int4" -> "" + (random.nextInt() >> random.nextInt(32));
            case "int8" -> "" + (random.nextLong() >> 4 + random.nextInt(60));
            case "numeric" -> decimal(random.nextInt(24), random.nextInt(24));
            case "numeric(10,2)" -> decimal(random.nextInt(3), random.nextInt(4));
            case "float4" ->
                random.nextBoolean()
                        ? decimal(random.nextInt(20), random.nextInt(12))
                        : "" + normal(Float.intBitsToFloat(random.nextInt()));
            case "float8" ->
                random.nextBoolean()
                        ? decimal(random.nextInt(25), random.nextInt(20))
                        : "" + normal(Double.longBitsToDouble(random.nextLong()));
            case "bool" -> random.nextBoolean() ? "t" : "false";
            case "uuid" -> new java.util.UUID(random.nextLong(), random.nextLong()).toString();
            case "date" -> day();
            case "timestamp", "timestamp(0)" -> day() + " " + time();
            case "timestamptz", "timestamptz(3)" -> day() + " " + time() + offset();
            case "bytea" -> {
                byte[] bytes = new byte[random.nextInt(40)];
                random.nextBytes(bytes);
                yield "\\x" + java.util.HexFormat.of().formatHex(bytes);
            }
            case "char(5)" -> "é日 a\\".substring(0, random.nextInt(6));
            case "json", "jsonb" ->
                "{\"a\": " + random.nextInt() + ".50" + ", \"é\\n\": [null, true, \"" + random.nextInt() + "\"]}";
            default ->
                new String(
                        new char[] {(char) (1 + random.nextInt(127)), 'é', '日', (char) (1 + random.nextInt(0xd000))});
        };
    }

    private static float normal(float value) {
        return Float.isFinite(value) && Math.abs(value) >= Float.MIN_NORMAL ? value : 1.5f;
    }

    private static double normal(double value) {
        return Double.isFinite(value) && Math.abs(value) >= Double.MIN_NORMAL ? value : 1.5;
    }

    private String decimal(int whole, int scale) {
        StringBuilder text = new StringBuilder(random.nextBoolean() ? "-" : "");
        // zeros often, so that whole groups of digits are
        for (int i = 0; i <= whole; i++) {
            text.append(random.nextInt(3) == 0 ? (char) ('0' + random.nextInt(10)) : '0');
        }
        for (int i = 0; i < scale; i++) {
            text.append(i == 0 ? "." : "").append(random.nextInt(3) == 0 ? (char) ('0' + random.nextInt(10)) : '0');
        }
        return text.toString();
    }

    private String day() {
        return java.time.LocalDate.ofEpochDay(-719_162 + random.nextInt(3_652_000))
                .toString();
    }

    private String time() {
        String time = String.format("%02d:%02d:%02d", random.nextInt(24), random.nextInt(60), random.nextInt(60));
        int decimals = random.nextInt(7);
        return decimals == 0
                ? time
                : time + "." + String.format("%06d", random.nextInt(1_000_000)).substring(0, decimals);
    }

    private String offset() {
        String hours = String.format("%c%02d", random.nextBoolean() ? '+' : '-', random.nextInt(15));
        return switch (random.nextInt(3)) {
            case 0 -> hours;
            case 1 -> hours + String.format(":%02d", random.nextInt(60));
            default -> hours + String.format(":%02d:%02d", random.nextInt(60), random.nextInt(60));
        };
    }

    private String spoil(String text) {
        StringBuilder spoiled = new StringBuilder(text);
        String others = "0123456789 -+.:eEtTx\\,/_aZ";
        for (int i = random.nextInt(2); i >= 0; i--) {
            int at = random.nextInt(spoiled.length() + 1);
            char other = others.charAt(random.nextInt(others.length()));
            switch (random.nextInt(3)) {
                case 0 -> spoiled.insert(at, other);
                case 1 -> spoiled.delete(at, Math.min(spoiled.length(), at + 1));
                default -> spoiled.replace(at, Math.min(spoiled.length(), at + 1), "" + other);
            }
        }
        return spoiled.toString();
    }
}

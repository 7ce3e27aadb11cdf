package io.pgcaravan.torture;

import io.pgcaravan.sql.TableName;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A random table: types whose values are hard to carry, names that need quotes, a key, and what places its rows. Beside the columns that
 * vary, each row has {@code nr}, which names its key for the checker, {@code mark} (nr modulo 10) and {@code rev}, new with each change.
 */
final class Schema {

    /** What decides in which table of the target a row lies. */
    enum Placing {
        NONE,
        DATE,
        INHERITED_DATE,
        LIST,
        HASH
    }

    /** @param target what its column is called in the target */
    record Column(String name, String target, Type type) {}

    /** @param wider what the target may have in its place without a difference in text */
    record Type(String name, String wider, Function<Random, String> literal) {

        Type(String name, Function<Random, String> literal) {
            this(name, name, literal);
        }
    }

    private static final String[] NAMES = {"note", "Ünit price", "select", "a b", "x&y", "q\"q", "100%", "tab=1", "p+q"
    };
    private static final String[] TABLES = {"orders", "Odd Table", "öde Tabelle", "select", "q\"q", "a+b"};
    private static final String[] TEXTS = {
        "",
        " ",
        "null",
        "NULL",
        "\\N",
        "\\.",
        "a\tb\nc\\d\r\n",
        "ü€𝄞",
        "a&b=c+%41%zz",
        "\"'{},()",
        "\u007f\u0001",
        "x".repeat(3000)
    };

    /** What both databases need before their tables. */
    static final String BEFORE = """
            create schema if not exists "Sche ma";
            create type public.mood as enum ('sad', 'so so', 'glad''');
            create domain public.positive as int check (value > 0);
            create type public.pair as (a text, b numeric)""";

    private static final List<Type> TYPES = List.of(
            new Type("text", Schema::text),
            new Type("varchar(8000)", "text", Schema::text),
            of("char(5)", "ab", "", "12345"),
            wider("smallint", "int", "-32768", "0", "32767"),
            wider("int", "bigint", "-2147483648", "7"),
            of("bigint", "-9223372036854775808", "9223372036854775807"),
            of("numeric", "1.00", "1.0", "NaN", "-0.00000000000000000000001", "9".repeat(120) + ".5"),
            wider("numeric(10,2)", "numeric", "0.10", "-99999999.99"),
            of("real", "1.1", "-0", "NaN", "1e-38"),
            of("double precision", "0.30000000000000004", "-0", "Infinity", "1e-307", "NaN"),
            of("boolean", "t", "f"),
            of("date", "2026-03-01", "infinity", "0044-03-15 BC", "12026-01-02"),
            of("time", "24:00:00", "01:02:03.000004"),
            of("timetz", "01:02:03+05:45"),
            of("timestamp", "2026-10-25 02:30:00", "-infinity", "2026-01-02 03:04:05.678901"),
            of("timestamptz", "2026-10-25 00:30:00+00", "2026-10-25 01:30:00+00", "1900-01-01 00:00:00+00"),
            of("interval", "-1 day -02:03:04", "1 year -2 mons +3 days", "00:00:00.000001", "-1 day +02:03:04"),
            of("bytea", "\\x", "\\x00ff5c27", "\\x25263d"),
            of("json", "{\"a\" : 1.0, \"a\": null}", "[]"),
            of("jsonb", "{\"a\": [1.0, \"\\\\ %41&=\"]}", "null"),
            of("uuid", "00000000-0000-0000-0000-000000000000"),
            of("int[]", "{}", "{1,NULL,-3}", "[0:1]={4,5}"),
            of("text[]", "{NULL,\"NULL\",\"\",\"a,b\\\\\\\"\"}", "{{a,b},{c,d}}"),
            of("numeric[]", "{1.50,2}"),
            of("inet", "10.0.0.1/8", "::1"),
            of("macaddr", "08:00:2b:01:02:03"),
            of("int4range", "empty", "[1,)"),
            of("daterange", "[2026-01-01,2026-02-01)"),
            of("tstzrange", "[2026-10-25 00:30:00+00,infinity)"),
            of("varbit", "", "10101"),
            of("point", "(0.1,-3)"),
            of("tsvector", "'a':1 'b''c':2A"),
            of("public.mood", "sad", "so so", "glad'"),
            of("public.positive", "1"),
            of("public.pair", "(\"a,\\\"b\",1.50)", "(,)"),
            of("oid", "4294967295"),
            of("pg_lsn", "16/B374D848"),
            of("xml", "<a b=\"&amp;\"/>"));

    /** The type of a key's first column, and its value for the number in {@code %s}. */
    private static final String[][] KEYS = {
        {"bigint", "(%s)::bigint"},
        {"text", "('k&ü \"' || (%s) || '\\')"},
        {"uuid", "md5((%s)::text)::uuid"},
        {"numeric", "((%s) + 0.50)"},
        {"date", "(date '2000-01-01' + (%s)::int)"},
        {"bytea", "('\\x00'::bytea || convert_to((%s)::text, 'UTF8'))"}
    };

    final TableName table;
    final Placing placing;
    /** hour, day, week, month or year. */
    final String period;

    final Column at;
    final Column place;
    final List<Column> key = new ArrayList<>();
    final List<Column> payload = new ArrayList<>();

    /** What refers to this table by a foreign key; null for none. */
    Schema child;

    /** Whether the source's table has partitions, of which the key then has the place. */
    boolean parted;

    private final List<String> keyValues = new ArrayList<>();
    private final Random random;

    /** @param odd whether names may need quotes @param renames whether a column may be called otherwise in the target */
    Schema(Random random, Placing placing, boolean odd, boolean renames, String suffix) {
        this.random = random;
        this.placing = placing;
        table = new TableName(
                odd && random.nextInt(3) == 0 ? "Sche ma" : "public",
                (odd ? TABLES[random.nextInt(TABLES.length)] : TABLES[0]) + suffix);
        period = new String[] {"hour", "day", "week", "month", "year"}[random.nextInt(5)];
        String type = new String[] {"timestamp", "timestamptz", "date"}[random.nextInt(period.equals("hour") ? 2 : 3)];
        String atName = odd && random.nextInt(3) == 0 ? "Created at" : "created_at";
        at = new Column(atName, atName, new Type(type, r -> at(type, r)));
        place = new Column("place", "place", of("text", "north", "São Paulo", "a b", "x"));
        String[] first = KEYS[random.nextInt(KEYS.length)];
        String id = odd && random.nextInt(3) == 0 ? "Key id" : "id";
        key.add(new Column(id, id, new Type(first[0], r -> null)));
        keyValues.add(first[1]);
        if (random.nextInt(3) == 0) {
            key.add(new Column("sub", "sub", new Type("int", r -> null)));
            keyValues.add("((%s) %% 3)::int");
        }
        List<String> names = new ArrayList<>(Arrays.asList(NAMES));
        // in the option fields these are not taken as they are yet
        names.removeIf(name -> renames && !TortureTest.KNOWN && name.matches(".*[&+%].*"));
        Collections.shuffle(names, random);
        int columns = 1 + random.nextInt(6);
        for (int i = 0; i < columns; i++) {
            String name = odd && random.nextBoolean() ? names.get(i) : "p" + i;
            payload.add(
                    new Column(name, renames && i == 0 ? "renamed" : name, TYPES.get(random.nextInt(TYPES.size()))));
        }
    }

    private static Type of(String name, String... values) {
        return wider(name, name, values);
    }

    private static Type wider(String name, String wider, String... values) {
        return new Type(name, wider, random -> literal(values[random.nextInt(values.length)]) + "::" + name);
    }

    private static String text(Random random) {
        return literal(TEXTS[random.nextInt(TEXTS.length)] + TEXTS[random.nextInt(TEXTS.length)]) + "::text";
    }

    private String at(String type, Random random) {
        return "(timestamp '2026-02-03' + " + random.nextInt(5) + " * interval '1 " + period + "' + "
                + random.nextInt(3600) + " * interval '1 second')"
                + (type.equals("timestamptz") ? " at time zone 'UTC'" : "::" + type);
    }

    static String literal(String text) {
        return "'" + text.replace("'", "''") + "'";
    }

    static String quote(String name) {
        return TableName.quote(name);
    }

    /** A new value for a column. */
    String value(Column column) {
        return column != at && column != place && random.nextInt(5) == 0 ? "null" : column.type.literal.apply(random);
    }

    /** All of the source's columns. */
    List<Column> columns() {
        List<Column> all = new ArrayList<>(key);
        for (String name : new String[] {"nr", "mark", "rev"}) {
            all.add(new Column(name, name, new Type("bigint", r -> null)));
        }
        all.add(at);
        all.add(place);
        all.addAll(payload);
        return all;
    }

    String names() {
        return columns().stream().map(column -> quote(column.name)).collect(Collectors.joining(", "));
    }

    /** What goes into {@link #names()} for the key of this number, an expression. */
    String values(String number) {
        Stream<String> keys = keyValues.stream().map(value -> value.formatted(number));
        Stream<String> counted = Stream.of(number, "(" + number + ") % 10", "nextval('public.revs')");
        Stream<String> others =
                Stream.concat(Stream.of(at, place), payload.stream()).map(this::value);
        return Stream.of(keys, counted, others).flatMap(all -> all).collect(Collectors.joining(", "));
    }

    /** Sets the key to that of another number. */
    String keyed(String number) {
        StringBuilder set = new StringBuilder();
        for (int i = 0; i < key.size(); i++) {
            set.append(quote(key.get(i).name))
                    .append(" = ")
                    .append(keyValues.get(i).formatted(number))
                    .append(", ");
        }
        return set + "nr = " + number + ", mark = (" + number + ") % 10";
    }

    /** A table of the same schema. */
    String quoted(String name) {
        return new TableName(table.schema(), name).quoted();
    }

    String source() {
        return "create table " + table.quoted() + " ("
                + columns().stream()
                        .map(column -> quote(column.name) + " " + column.type.name)
                        .collect(Collectors.joining(", "))
                + ", primary key (" + keyNames() + "))"
                + (parted
                        ? " partition by list (place); create table " + leaf() + " partition of " + table.quoted()
                                + " for values in ('north', 'x'); create table " + quoted("rest of " + table.name())
                                + " partition of " + table.quoted() + " default"
                        : "");
    }

    /** A partition of the source's table. */
    String leaf() {
        return quoted("part of " + table.name());
    }

    /** @param unique whether the target has a primary key */
    String target(boolean unique, boolean widened) {
        List<Column> shuffled = new ArrayList<>(columns());
        Collections.shuffle(shuffled, random);
        String placed = placing == Placing.LIST ? "place" : placing == Placing.DATE ? quote(at.name) : "";
        String columns = shuffled.stream()
                .map(column -> quote(column.target) + " " + (widened ? column.type.wider : column.type.name)
                        + (column == at || column == place ? " not null" : ""))
                .collect(Collectors.joining(", "));
        String tail =
                switch (placing) {
                    case NONE, INHERITED_DATE -> "";
                    case DATE -> " partition by range (" + placed + ")";
                    case LIST -> " partition by list (place)";
                    case HASH -> " partition by hash (" + quote(key.get(0).name) + ")";
                };
        String primary = ", primary key (" + keyNames() + (placed.isEmpty() || parted ? "" : ", " + placed) + ")";
        return "create table " + table.quoted() + " (" + columns + ", own text default 'own'" + (unique ? primary : "")
                + ")" + tail
                + (random.nextBoolean() ? "; create index on " + table.quoted() + " (mark, rev)" : "");
    }

    /** Gives another table a column that refers to this one; what the source's key needs, once both tables are there. */
    void referredToBy(Schema other) {
        child = other;
        other.payload.add(new Column("ref", "ref", new Type("bigint", r -> "null")));
    }

    /** @param action on delete and more */
    String foreignKey(String action) {
        return "alter table " + table.quoted() + " add unique (nr); alter table " + child.table.quoted()
                + " add foreign key (ref) references " + table.quoted() + " (nr) on update cascade " + action;
    }

    private String keyNames() {
        return key.stream().map(column -> quote(column.name)).collect(Collectors.joining(", "))
                + (parted ? ", place" : "");
    }

    /** Where a row belongs, as text: equal for rows of one partition. */
    String placeOf(String row) {
        String when = row + quote(at.name) + (at.type.name.equals("timestamptz") ? " at time zone 'UTC'" : "");
        return switch (placing) {
            case NONE, HASH -> "''";
            case LIST -> row + "place";
            case DATE, INHERITED_DATE -> "date_trunc('" + period + "', (" + when + ")::timestamp)::text";
        };
    }

    @Override
    public String toString() {
        return table.quoted() + " ("
                + columns().stream()
                        .map(column -> column.name + " " + column.type.name)
                        .collect(Collectors.joining(", "))
                + "), placed by " + placing + " " + period;
    }
}

package io.pgcaravan.ship.format;

import io.pgcaravan.sql.TableName;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The names on disk of one set's files: {@code public.orders.000000000042.ids}. Everything but small ASCII letters, digits,
 * {@code _} and {@code -} in a schema's or table's name is percent-encoded, so that a name is never a path, and two names are never
 * one where case does not count.
 *
 * @param table the schema's and table's name with a dot between, encoded
 * @param number from 1
 */
public record SetName(String table, long number) implements Comparable<SetName> {

    /** Leaves room for the number, the part, and what stands around a temporary name, within the 255 bytes of a file name. */
    private static final int LONGEST_TABLE = 160;

    private static final Pattern DONE =
            Pattern.compile("([A-Za-z0-9_%~-]+\\.[A-Za-z0-9_%~-]+)\\.(\\d{12,18})\\.(done|ack)");

    /** The set of a table; the schema must be known. */
    public static SetName of(TableName table, long number) {
        return new SetName(encode(table), number);
    }

    /** As earlier versions named sets, which left capital letters as they are. */
    static SetName former(TableName table, long number) {
        return new SetName(encode(table, true), number);
    }

    /** What a marker's file name says, null where it is no name of a {@code .done} or {@code .ack}. */
    public static SetName parse(String fileName, SetPart part) {
        Matcher matcher = DONE.matcher(fileName);
        if (!matcher.matches() || !part.suffix().equals("." + matcher.group(3))) {
            return null;
        }
        SetName name = new SetName(matcher.group(1), Long.parseLong(matcher.group(2)));
        return name.number > 0 && name.file(part).equals(fileName) ? name : null;
    }

    /** A table's name as file names have it; the schema must be known. */
    public static String encode(TableName table) {
        return encode(table, false);
    }

    private static String encode(TableName table, boolean capitals) {
        String schema = encode(table.schema(), capitals);
        String name = encode(table.name(), capitals);
        String full = schema + "." + name;
        if (full.length() <= LONGEST_TABLE) {
            return full;
        }
        byte[] bytes = (table.schema() + '\0' + table.name()).getBytes(StandardCharsets.UTF_8);
        String hash = HexFormat.of().formatHex(Sha256.digest().digest(bytes), 0, 16);
        return cut(schema, 50) + "." + cut(name, 50) + "~" + hash;
    }

    private static String cut(String text, int length) {
        return text.length() <= length ? text : text.substring(0, length);
    }

    private static String encode(String name, boolean capitals) {
        StringBuilder encoded = new StringBuilder();
        for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xff);
            if (c >= 'a' && c <= 'z'
                    || capitals && c >= 'A' && c <= 'Z'
                    || c >= '0' && c <= '9'
                    || c == '_'
                    || c == '-') {
                encoded.append(c);
            } else {
                encoded.append(String.format("%%%02X", (int) c));
            }
        }
        return encoded.toString();
    }

    /** {@code public.orders.000000000042}. */
    public String base() {
        return String.format("%s.%012d", table, number);
    }

    /** The name of an uncompressed part. */
    public String file(SetPart part) {
        return base() + part.suffix();
    }

    /** The name of a part as it is compressed. */
    public String file(SetPart part, Compression compression) {
        return file(part) + (part.compressible() ? compression.suffix() : "");
    }

    /** What the files of the set may be called, the marker last. */
    public List<String> files() {
        List<String> files = new ArrayList<>();
        for (SetPart part : SetPart.DATA) {
            files.add(file(part));
            if (part.compressible()) {
                files.add(file(part, Compression.GZIP));
                files.add(file(part, Compression.ZSTD));
            }
        }
        files.add(file(SetPart.DONE));
        return files;
    }

    @Override
    public int compareTo(SetName other) {
        int tables = table.compareTo(other.table);
        return tables != 0 ? tables : Long.compare(number, other.number);
    }

    @Override
    public String toString() {
        return base();
    }
}

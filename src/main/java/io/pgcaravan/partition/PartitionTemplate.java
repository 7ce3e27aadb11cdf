package io.pgcaravan.partition;

import io.pgcaravan.sql.TableName;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * SQL that makes a partition, or runs before or after that, with table_dispatcher's replacements: {@code _DEST_TABLE} (the partition, qualified and
 * quoted), {@code _PARENT} (likewise), {@code _PKEY} (the event's key columns, quoted, comma separated) and
 * {@code _SCHEMA_TABLE} (the partition's name with its dots as {@code __}). They are replaced everywhere, in literals
 * too, and quoted as the place needs it. A longer word around one of them is one identifier:
 * {@code _DEST_TABLE_pkey} becomes {@code "orders_2026_10_02_pkey"}, without the schema.
 *
 * <p>Or with londiste's: {@code %(dest)s} (also {@code %(part)s}), {@code %(parent)s}, {@code %(pkey)s} (also {@code
 * %(pkeys)s}) and {@code %(schema_table)s} mean the same, {@code %(part_field)s} is the column that places rows, {@code
 * %(part_time)s} the start of the partition's time, {@code %(period)s} how long that is. Where there is one of them, {@code
 * %%} is a percent sign.
 */
public final class PartitionTemplate {

    private static final String DEST_TABLE = "_DEST_TABLE";
    private static final String PARENT = "_PARENT";
    private static final String PKEY = "_PKEY";
    private static final String SCHEMA_TABLE = "_SCHEMA_TABLE";

    // londiste's further ones; words that nobody else writes
    private static final String PART_FIELD = "\uE000part_field\uE000";
    private static final String PART_TIME = "\uE000part_time\uE000";
    private static final String PERIOD = "\uE000period\uE000";

    private static final Pattern VARIABLE = Pattern.compile("%\\((\\w+)\\)s|%%");

    /**
     * What a template is filled with.
     *
     * @param rawName the partition as the job writes it, for {@code _SCHEMA_TABLE}
     * @param key names of the event's key columns
     * @param partField null where no column places rows
     * @param partTime local time without a zone; null where the partition is not by date
     */
    record Values(
            TableName partition,
            TableName parent,
            TableName rawName,
            List<String> key,
            String partField,
            String partTime,
            Period period) {}

    /** What ends the batch's transaction, or cannot run inside one, where a statement starts with it. */
    private static final Set<String> REFUSED_FIRST_WORDS =
            Set.of("abort", "begin", "commit", "end", "release", "rollback", "savepoint", "start", "vacuum");

    /** What a piece of the template is, as far as quoting goes. */
    private enum Kind {
        /** A keyword or an unquoted identifier. */
        WORD,
        /** In double quotes, which are part of the text. */
        QUOTED_IDENTIFIER,
        /** In single quotes, which are part of the text. */
        STRING,
        /** Dollar quotes with their content. */
        DOLLAR_STRING,
        /** Operators, numbers, spaces. */
        OTHER,
        COMMENT,
        END_OF_STATEMENT
    }

    private record Piece(Kind kind, String text) {}

    private final List<Piece> pieces;

    private PartitionTemplate(List<Piece> pieces) {
        this.pieces = pieces;
    }

    /**
     * @throws IllegalArgumentException where the template could end the batch's transaction, cannot run inside one, or
     *     has a quote or comment that does not end
     */
    public static PartitionTemplate parse(String sql) {
        List<Piece> pieces = new Tokenizer(withoutVariables(sql)).pieces();
        refuseTransactionControl(pieces);
        return new PartitionTemplate(pieces);
    }

    private static String withoutVariables(String sql) {
        Matcher variables = VARIABLE.matcher(sql);
        if (variables.results().noneMatch(variable -> variable.group(1) != null)) {
            return sql;
        }
        return variables.replaceAll(variable -> Matcher.quoteReplacement(replacement(variable.group(1))));
    }

    private static String replacement(String variable) {
        if (variable == null) {
            return "%";
        }
        return switch (variable) {
            case "dest", "part" -> DEST_TABLE;
            case "parent" -> PARENT;
            case "pkey", "pkeys" -> PKEY;
            case "schema_table" -> SCHEMA_TABLE;
            case "part_field" -> PART_FIELD;
            case "part_time" -> PART_TIME;
            case "period" -> PERIOD;
            default ->
                throw new IllegalArgumentException(
                        "%(" + variable + ")s is unknown; allowed are dest, part, parent, pkey,"
                                + " pkeys, schema_table, part_field, part_time and period");
        };
    }

    private static void refuseTransactionControl(List<Piece> pieces) {
        String first = null;
        for (Piece piece : pieces) {
            if (piece.kind == Kind.END_OF_STATEMENT) {
                first = null;
            } else if (piece.kind == Kind.WORD) {
                String word = piece.text.toLowerCase(Locale.ROOT);
                boolean preparesTransaction = "prepare".equals(first) && word.equals("transaction");
                if ((first == null && REFUSED_FIRST_WORDS.contains(word)) || preparesTransaction) {
                    throw new IllegalArgumentException(
                            (preparesTransaction ? "PREPARE TRANSACTION" : word.toUpperCase(Locale.ROOT))
                                    + " is refused, because partitions are made inside the batch's transaction,"
                                    + " which must stay whole; take it out");
                }
                if (word.equals("concurrently")) {
                    throw new IllegalArgumentException("CONCURRENTLY is refused, because it cannot run inside the"
                            + " batch's transaction; the partition is new and empty, so leave it out");
                }
                first = first == null ? word : first;
            } else if (piece.kind != Kind.OTHER && piece.kind != Kind.COMMENT || !piece.text.isBlank()) {
                first = first == null && piece.kind != Kind.COMMENT ? piece.text : first;
            }
        }
    }

    /**
     * The template for one partition.
     *
     * @throws IllegalArgumentException where it asks for a key and there is none, or names made from the partition's
     *     become one when PostgreSQL cuts them
     */
    String expand(Values values) {
        TableName partition = values.partition;
        StringBuilder sql = new StringBuilder();
        Map<String, String> cutNames = new HashMap<>();
        cutNames.put(cut(partition.name()), partition.name());
        for (Piece piece : pieces) {
            switch (piece.kind) {
                case WORD -> sql.append(word(piece.text, values, cutNames));
                case QUOTED_IDENTIFIER -> sql.append(inside(piece.text, values, '"'));
                case STRING -> sql.append(inside(piece.text, values, '\''));
                case DOLLAR_STRING -> sql.append(inside(piece.text, values, '$'));
                default -> sql.append(piece.text);
            }
        }
        return sql.toString();
    }

    private String word(String word, Values values, Map<String, String> cutNames) {
        TableName partition = values.partition;
        switch (word) {
            case DEST_TABLE:
                return partition.quoted();
            case PARENT:
                return values.parent.quoted();
            case PKEY:
                return keyList(values);
            case PART_FIELD:
                return TableName.quote(partField(values));
            case PART_TIME:
                return "'" + partTime(values) + "'";
            case PERIOD:
                return values.period.toString();
            default:
                if (!mentions(word)) {
                    return word;
                }
        }
        String name = further(word, values)
                .replace(SCHEMA_TABLE, schemaTable(values.rawName))
                .replace(DEST_TABLE, partition.name())
                .replace(PARENT, values.parent.name());
        if (word.contains(DEST_TABLE)) {
            String other = cutNames.putIfAbsent(cut(name), name);
            if (other != null && !other.equals(name)) {
                throw new IllegalArgumentException("partTemplate: " + word + " becomes " + name + ", which PostgreSQL"
                        + " cuts to " + cut(name) + " (" + PartitionSettings.MAX_NAME_BYTES
                        + " bytes), the same as " + other + "; use shorter names");
            }
        }
        return TableName.quote(name);
    }

    /** Whether it asks for the event's key columns. */
    public boolean usesKey() {
        return pieces.stream()
                .anyMatch(piece -> piece.kind == Kind.WORD
                        ? piece.text.equals(PKEY)
                        : piece.kind != Kind.COMMENT && piece.text.contains(PKEY));
    }

    private static boolean mentions(String word) {
        return word.contains(DEST_TABLE)
                || word.contains(PARENT)
                || word.contains(SCHEMA_TABLE)
                || word.indexOf('\uE000') >= 0;
    }

    /** With londiste's further replacements. */
    private static String further(String text, Values values) {
        if (text.indexOf('\uE000') < 0) {
            return text;
        }
        String replaced = text.replace(PERIOD, values.period.toString());
        replaced = replaced.contains(PART_FIELD) ? replaced.replace(PART_FIELD, partField(values)) : replaced;
        return replaced.contains(PART_TIME) ? replaced.replace(PART_TIME, partTime(values)) : replaced;
    }

    private static String partField(Values values) {
        if (values.partField == null) {
            throw new IllegalArgumentException(
                    "%(part_field)s makes no sense, as no column places the rows: set partField, or write the column");
        }
        return values.partField;
    }

    private static String partTime(Values values) {
        if (values.partTime == null) {
            throw new IllegalArgumentException("%(part_time)s makes no sense, as partitions are not by date");
        }
        return values.partTime;
    }

    private static String inside(String text, Values values, char quote) {
        TableName partition = values.partition;
        TableName parent = values.parent;
        if (text.indexOf('_') < 0 && text.indexOf('\uE000') < 0 || !(mentions(text) || text.contains(PKEY))) {
            return text;
        }
        // between double quotes only a bare name makes sense; in a literal it is the name as SQL would write it
        String dest = quote == '"' ? partition.name() : partition.quoted();
        String parentName = quote == '"' ? parent.name() : parent.quoted();
        String replaced = text.replace(SCHEMA_TABLE, doubled(schemaTable(values.rawName), quote))
                .replaceAll(DEST_TABLE + "(?=[A-Za-z0-9_])", quotedForRegex(doubled(partition.name(), quote)))
                .replace(DEST_TABLE, doubled(dest, quote))
                .replace(PARENT, doubled(parentName, quote));
        if (replaced.indexOf('\uE000') >= 0) {
            replaced = replaced.replace(PERIOD, values.period.toString());
            replaced = replaced.contains(PART_FIELD)
                    ? replaced.replace(PART_FIELD, doubled(partField(values), quote))
                    : replaced;
            replaced = replaced.contains(PART_TIME) ? replaced.replace(PART_TIME, partTime(values)) : replaced;
        }
        return replaced.contains(PKEY) ? replaced.replace(PKEY, doubled(keyList(values), quote)) : replaced;
    }

    private static String quotedForRegex(String replacement) {
        return Matcher.quoteReplacement(replacement);
    }

    private static String doubled(String text, char quote) {
        return quote == '$' ? text : text.replace(String.valueOf(quote), "" + quote + quote);
    }

    private static String schemaTable(TableName rawName) {
        return rawName.toString().replace(".", "__");
    }

    private static String keyList(Values values) {
        if (values.key.isEmpty()) {
            throw new IllegalArgumentException("partTemplate uses _PKEY to make " + values.partition
                    + ", but the event names no key columns; give the source table's trigger a key (or the job),"
                    + " or write the columns into the template");
        }
        return TableName.quote(values.key);
    }

    /** A name as PostgreSQL cuts it: to 63 bytes, never inside a character. */
    private static String cut(String name) {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        if (bytes.length <= PartitionSettings.MAX_NAME_BYTES) {
            return name;
        }
        int end = PartitionSettings.MAX_NAME_BYTES;
        while ((bytes[end] & 0xC0) == 0x80) {
            end--;
        }
        return new String(bytes, 0, end, StandardCharsets.UTF_8);
    }

    @Override
    public String toString() {
        return pieces.stream().map(Piece::text).collect(Collectors.joining());
    }

    /** Splits SQL as far as quotes, comments and statements go; it knows no grammar. */
    private static final class Tokenizer {
        private final String sql;
        private final List<Piece> pieces = new ArrayList<>();
        private int at;

        Tokenizer(String sql) {
            this.sql = sql;
        }

        List<Piece> pieces() {
            while (at < sql.length()) {
                char c = sql.charAt(at);
                if (isWordStart(c)) {
                    word();
                } else if (c == '\'') {
                    quoted('\'', Kind.STRING, false);
                } else if (c == '"') {
                    quoted('"', Kind.QUOTED_IDENTIFIER, false);
                } else if (c == '$' && dollarTag() != null) {
                    dollarString(dollarTag());
                } else if (sql.startsWith("--", at)) {
                    int end = sql.indexOf('\n', at);
                    add(Kind.COMMENT, end < 0 ? sql.length() : end);
                } else if (sql.startsWith("/*", at)) {
                    blockComment();
                } else {
                    int start = at;
                    if (Character.isDigit(c) || c == '$') {
                        // a number or a parameter: its letters (1e5) start no word
                        while (at + 1 < sql.length() && isWordPart(sql.charAt(at + 1))) {
                            at++;
                        }
                    }
                    int end = at + 1;
                    at = start;
                    add(c == ';' ? Kind.END_OF_STATEMENT : Kind.OTHER, end);
                }
            }
            return List.copyOf(pieces);
        }

        private void word() {
            int end = at + 1;
            while (end < sql.length() && isWordPart(sql.charAt(end))) {
                end++;
            }
            boolean escapes = end - at == 1
                    && Character.toLowerCase(sql.charAt(at)) == 'e'
                    && end < sql.length()
                    && sql.charAt(end) == '\'';
            add(Kind.WORD, end);
            if (escapes) {
                quoted('\'', Kind.STRING, true);
            }
        }

        private void quoted(char quote, Kind kind, boolean escapes) {
            int end = at + 1;
            while (true) {
                if (end >= sql.length()) {
                    throw new IllegalArgumentException(
                            "the quote " + quote + " at character " + (at + 1) + " has no end");
                }
                char c = sql.charAt(end);
                if (escapes && c == '\\') {
                    end += 2;
                } else if (c == quote) {
                    if (end + 1 < sql.length() && sql.charAt(end + 1) == quote) {
                        end += 2;
                    } else {
                        add(kind, end + 1);
                        return;
                    }
                } else {
                    end++;
                }
            }
        }

        /** The tag of a dollar quote that starts here ({@code $$} or {@code $tag$}), or null. */
        private String dollarTag() {
            int end = at + 1;
            while (end < sql.length() && isWordPart(sql.charAt(end)) && sql.charAt(end) != '$') {
                end++;
            }
            boolean starts =
                    end < sql.length() && sql.charAt(end) == '$' && (end == at + 1 || isWordStart(sql.charAt(at + 1)));
            return starts ? sql.substring(at, end + 1) : null;
        }

        private void dollarString(String tag) {
            int end = sql.indexOf(tag, at + tag.length());
            if (end < 0) {
                throw new IllegalArgumentException("the quote " + tag + " at character " + (at + 1) + " has no end");
            }
            add(Kind.DOLLAR_STRING, end + tag.length());
        }

        private void blockComment() {
            int depth = 0;
            int end = at;
            do {
                if (end >= sql.length()) {
                    throw new IllegalArgumentException("the comment at character " + (at + 1) + " has no end");
                } else if (sql.startsWith("/*", end)) {
                    depth++;
                    end += 2;
                } else if (sql.startsWith("*/", end)) {
                    depth--;
                    end += 2;
                } else {
                    end++;
                }
            } while (depth > 0);
            add(Kind.COMMENT, end);
        }

        private void add(Kind kind, int end) {
            pieces.add(new Piece(kind, sql.substring(at, end)));
            at = end;
        }

        private static boolean isWordStart(char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
        }

        private static boolean isWordPart(char c) {
            return isWordStart(c) || (c >= '0' && c <= '9') || c == '$';
        }
    }
}

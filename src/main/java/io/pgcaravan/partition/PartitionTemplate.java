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
 * SQL that makes a partition, or runs before or after that, with table_dispatcher's replacements: {@code _DEST_TABLE} (the
 * partition, qualified and quoted), {@code _PARENT} (likewise), {@code _PKEY} (the event's key columns, quoted, comma separated) and
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

    // londiste's further ones, as words that a template does not hold
    private static final String PART_FIELD = "\uE000part_field\uE000";
    private static final String PART_TIME = "\uE000part_time\uE000";
    private static final String PERIOD = "\uE000period\uE000";

    private static final Pattern PLACEHOLDER =
            Pattern.compile("_DEST_TABLE(?=(\\w)?)|_PARENT|_PKEY|_SCHEMA_TABLE|\uE000\\w+\uE000");

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

    /** What a piece of the template is, as far as quoting goes; quotes are part of its text. */
    private enum Token {
        STRING,
        IDENTIFIER,
        DOLLAR,
        COMMENT,
        UNFINISHED,
        /** A keyword or an unquoted identifier. */
        WORD,
        END
    }

    /** One group for each {@link Token}; a number or parameter is none, and its letters (1e5) start no word. */
    private static final Pattern PIECE = Pattern.compile("""
            (?<STRING>[eE]'[^'\\\\]*+(?:(?:\\\\.|'')[^'\\\\]*+)*+'|'[^']*+(?:''[^']*+)*+')
            |(?<IDENTIFIER>"[^"]*+(?:""[^"]*+)*+")
            |(?<DOLLAR>(?<tag>\\$(?:[A-Za-z_\\x80-\\uFFFF][\\w\\x80-\\uFFFF]*+)?\\$).*?\\k<tag>)
            |(?<COMMENT>--[^\\n]*+)
            |(?<UNFINISHED>[eE]?'|"|/\\*|\\$(?:[A-Za-z_\\x80-\\uFFFF][\\w\\x80-\\uFFFF]*+)?\\$)
            |(?<WORD>[A-Za-z_\\x80-\\uFFFF][\\w$\\x80-\\uFFFF]*+)
            |(?<END>;)
            |[0-9$][\\w$\\x80-\\uFFFF]*+|.""", Pattern.DOTALL | Pattern.COMMENTS);

    /** @param token null for operators, numbers and spaces */
    private record Piece(Token token, String text) {}

    private final List<Piece> pieces;

    private PartitionTemplate(List<Piece> pieces) {
        this.pieces = pieces;
    }

    /**
     * @throws IllegalArgumentException where the template could end the batch's transaction, cannot run inside one, or
     *     has a quote or comment that does not end
     */
    public static PartitionTemplate parse(String sql) {
        List<Piece> pieces = pieces(withoutVariables(sql));
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
        return switch (variable == null ? "%" : variable) {
            case "%" -> "%";
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

    /** Splits SQL as far as quotes, comments and statements go. */
    private static List<Piece> pieces(String sql) {
        List<Piece> pieces = new ArrayList<>();
        Matcher piece = PIECE.matcher(sql);
        for (int at = 0;
                at < sql.length();
                at = at + pieces.get(pieces.size() - 1).text.length()) {
            piece.find(at);
            Token found = null;
            for (Token token : Token.values()) {
                found = piece.group(token.name()) != null ? token : found;
            }
            if (piece.group().equals("/*")) {
                pieces.add(new Piece(Token.COMMENT, sql.substring(at, commentEnd(sql, at))));
            } else if (found == Token.UNFINISHED) {
                throw new IllegalArgumentException(
                        "the quote " + piece.group() + " at character " + (at + 1) + " has no end");
            } else {
                pieces.add(new Piece(found, piece.group()));
            }
        }
        return pieces;
    }

    /** Comments of SQL can stand in each other. */
    private static int commentEnd(String sql, int start) {
        Matcher mark = Pattern.compile("/\\*|\\*/").matcher(sql).region(start, sql.length());
        int depth = 0;
        while (mark.find()) {
            depth += mark.group().equals("/*") ? 1 : -1;
            if (depth == 0) {
                return mark.end();
            }
        }
        throw new IllegalArgumentException("the comment at character " + (start + 1) + " has no end");
    }

    private static void refuseTransactionControl(List<Piece> pieces) {
        String first = null;
        for (Piece piece : pieces) {
            if (piece.token == Token.END) {
                first = null;
            } else if (piece.token != Token.COMMENT && !piece.text.isBlank()) {
                String word = piece.token == Token.WORD ? piece.text.toLowerCase(Locale.ROOT) : "";
                boolean preparesTransaction = "prepare".equals(first) && word.equals("transaction");
                if (first == null && REFUSED_FIRST_WORDS.contains(word) || preparesTransaction) {
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
        StringBuilder sql = new StringBuilder();
        Map<String, String> cutNames = new HashMap<>();
        cutNames.put(cut(values.partition.name()), values.partition.name());
        for (Piece piece : pieces) {
            if (piece.token == Token.WORD) {
                sql.append(word(piece.text, values, cutNames));
            } else if (piece.token == Token.STRING || piece.token == Token.DOLLAR) {
                sql.append(replaced(piece.text, values, false, piece.token == Token.STRING ? "'" : ""));
            } else if (piece.token == Token.IDENTIFIER) {
                sql.append(replaced(piece.text, values, true, "\""));
            } else {
                sql.append(piece.text);
            }
        }
        return sql.toString();
    }

    private static String word(String word, Values values, Map<String, String> cutNames) {
        if (word.equals(DEST_TABLE) || word.equals(PARENT) || word.equals(PKEY) || word.equals(PERIOD)) {
            return value(word, values, false);
        }
        if (word.equals(PART_TIME)) {
            return "'" + value(word, values, false) + "'";
        }
        // in a longer word _PKEY is part of a name: _DEST_TABLE_PKEY
        String name = PLACEHOLDER
                .matcher(word)
                .replaceAll(found -> Matcher.quoteReplacement(
                        found.group().equals(PKEY) ? PKEY : value(found.group(), values, true)));
        if (name.equals(word)) {
            return word;
        }
        String other = word.contains(DEST_TABLE) ? cutNames.putIfAbsent(cut(name), name) : null;
        if (other != null && !other.equals(name)) {
            throw new IllegalArgumentException("partTemplate: " + word + " becomes " + name + ", which PostgreSQL"
                    + " cuts to " + cut(name) + " (" + PartitionSettings.MAX_NAME_BYTES
                    + " bytes), the same as " + other + "; use shorter names");
        }
        return TableName.quote(name);
    }

    /**
     * With all placeholders replaced.
     *
     * @param name whether it is part of a name; in a literal, tables are as SQL would write them
     * @param quote what is doubled in the values
     */
    private static String replaced(String text, Values values, boolean name, String quote) {
        return PLACEHOLDER.matcher(text).replaceAll(found -> {
            boolean longer = found.group().equals(DEST_TABLE) && found.group(1) != null;
            String value = value(found.group(), values, name || longer);
            return Matcher.quoteReplacement(value.replace(quote, quote + quote));
        });
    }

    private static String value(String placeholder, Values values, boolean name) {
        return switch (placeholder) {
            case DEST_TABLE -> name ? values.partition.name() : values.partition.quoted();
            case PARENT -> name ? values.parent.name() : values.parent.quoted();
            case PKEY -> keyList(values);
            case SCHEMA_TABLE -> values.rawName.toString().replace(".", "__");
            case PART_FIELD ->
                needed(
                        values.partField,
                        "%(part_field)s needs a column that places the rows: set partField, or write the column");
            case PART_TIME -> needed(values.partTime, "%(part_time)s needs partitions by date");
            default -> values.period.toString();
        };
    }

    private static String needed(String value, String missing) {
        if (value == null) {
            throw new IllegalArgumentException(missing);
        }
        return value;
    }

    private static String keyList(Values values) {
        if (values.key.isEmpty()) {
            throw new IllegalArgumentException("partTemplate uses _PKEY to make " + values.partition
                    + ", but the event names no key columns; give the source table's trigger a key (or the job),"
                    + " or write the columns into the template");
        }
        return TableName.quote(values.key);
    }

    /** Whether it asks for the event's key columns. */
    public boolean usesKey() {
        return pieces.stream()
                .anyMatch(piece -> piece.token == Token.WORD
                        ? piece.text.equals(PKEY)
                        : piece.token != Token.COMMENT && piece.text.contains(PKEY));
    }

    /** A name as PostgreSQL cuts it: to 63 bytes, never inside a character. */
    static String cut(String name) {
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
}

package io.pgcaravan.row;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which events and which of their columns are taken, and what the columns are called in the target. Immutable.
 *
 * @param fields the columns to take in the target's order; empty for all of them, in the event's order
 * @param skipFields columns to leave out, by the producer's names
 * @param eventTypes the events to take: {@code I}, {@code U}, {@code D}, {@code R}, or a type of the producer's own in full;
 *     empty for all
 * @param onMissingField what to do about a row that lacks one of {@code fields}
 */
public record RowSelection(
        List<Field> fields, Set<String> skipFields, Set<String> eventTypes, OnMissingField onMissingField) {

    /** All columns of all events. */
    public static final RowSelection ALL = new RowSelection(List.of(), Set.of(), Set.of(), OnMissingField.FAIL);

    /**
     * One column.
     *
     * @param source its name in the event
     * @param target its name in the target
     */
    public record Field(String source, String target) {}

    public RowSelection {
        skipFields = Set.copyOf(skipFields);
        eventTypes = Set.copyOf(eventTypes);
        Map<String, String> sources = new LinkedHashMap<>();
        List<Field> kept = new ArrayList<>();
        for (Field field : fields) {
            String other = sources.putIfAbsent(field.target(), field.source());
            if (other != null) {
                throw new IllegalArgumentException("fields names the target column \"" + field.target()
                        + "\" twice, for \"" + other + "\" and for \"" + field.source()
                        + "\"; each needs a name of its own");
            }
            if (!skipFields.contains(field.source())) {
                kept.add(field);
            }
        }
        if (kept.isEmpty() && !fields.isEmpty()) {
            throw new IllegalArgumentException("skipFields leaves none of the columns in fields");
        }
        fields = List.copyOf(kept);
    }

    /**
     * Reads the settings as people write them; spaces around names do not count.
     *
     * @param fields {@code *} or null for all columns, else a list such as {@code a, b:renamed}
     * @param skipFields comma separated names, or null
     * @param eventTypes comma separated types, or null
     * @throws IllegalArgumentException where a setting makes no sense; the message names the setting
     */
    public static RowSelection of(String fields, String skipFields, String eventTypes) {
        return of(fields, skipFields, eventTypes, OnMissingField.FAIL);
    }

    /** The same, where rows may lack a column. */
    public static RowSelection of(String fields, String skipFields, String eventTypes, OnMissingField onMissingField) {
        return new RowSelection(
                parseFields(fields), list("skipFields", skipFields), list("eventTypes", eventTypes), onMissingField);
    }

    /** The first column, by its name in the event, that {@code fields} takes and a row lacks; null for none. */
    String missing(RowChange row) {
        // each field has a column of its own; a delete needs its key alone, which is looked for elsewhere
        if (row.columns().size() >= fields.size() || row.op() == Op.DELETE || onMissingField == OnMissingField.IGNORE) {
            return null;
        }
        return fields.stream()
                .filter(field -> !row.containsKey(field.target()))
                .map(Field::source)
                .findFirst()
                .orElse(null);
    }

    /** What a column is called in the target, null where it is not taken. Of two copies, the first. */
    public String target(String source) {
        List<String> targets = targets(source);
        return targets.isEmpty() ? null : targets.get(0);
    }

    /** All names that a column has in the target; more than one where {@code fields} copies it, none where it is left out. */
    List<String> targets(String source) {
        if (skipFields.contains(source)) {
            return List.of();
        }
        return fields.isEmpty()
                ? List.of(source)
                : fields.stream()
                        .filter(field -> field.source().equals(source))
                        .map(Field::target)
                        .toList();
    }

    /** The columns that are taken from a row with these, in the target's order. */
    List<Field> taken(Collection<String> sources) {
        return fields.isEmpty()
                ? sources.stream()
                        .filter(source -> !skipFields.contains(source))
                        .map(source -> new Field(source, source))
                        .toList()
                : fields.stream()
                        .filter(field -> sources.contains(field.source()))
                        .toList();
    }

    private static List<Field> parseFields(String text) {
        if (text == null || text.isBlank() || text.strip().equals("*")) {
            return List.of();
        }
        List<Field> fields = new ArrayList<>();
        for (String part : text.split(",", -1)) {
            String[] names = part.split(":", -1);
            String source = names[0].strip();
            String target = names[names.length - 1].strip();
            if (names.length > 2 || source.isEmpty() || target.isEmpty() || source.equals("*")) {
                throw new IllegalArgumentException("fields = " + text + ": \"" + part.strip()
                        + "\" is not a column; write *, or a list such as a, b:renamed");
            }
            fields.add(new Field(source, target));
        }
        return fields;
    }

    private static Set<String> list(String setting, String text) {
        Set<String> names = new LinkedHashSet<>();
        if (text == null || text.isBlank()) {
            return names;
        }
        for (String part : text.split(",", -1)) {
            if (part.isBlank()) {
                throw new IllegalArgumentException(setting + " = " + text + ": a name is missing between two commas");
            }
            names.add(part.strip());
        }
        return names;
    }
}

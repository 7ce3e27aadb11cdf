package io.pgcaravan.row;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.Event;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What the ev_type of events says: the operation, and the columns of the key. Remembers the types it has seen. */
final class EventTypes {

    /** There are a handful, unless a producer makes them up. */
    private static final int REMEMBERED = 1000;

    private static final JsonFactory JSON = new JsonFactory();

    /**
     * A row's key.
     *
     * @param names the key's columns as the target has them, empty where there is none or one is missing
     * @param missing the first that the row lacks, as the producer names it; null for none
     */
    record Key(List<String> names, String missing) {
        static final Key NONE = new Key(List.of(), null);
    }

    /** Events of one type. */
    final class Type {
        private final String text;
        private final Op op;
        private final List<String> key;
        private final boolean wanted;
        private final Map<ColumnSet, Key> keys = new HashMap<>();
        private ColumnSet lastColumns;
        private Key lastKey;

        private Type(String text, Op op, List<String> key) {
            this.text = text;
            this.op = op;
            this.key = key;
            this.wanted = selection.eventTypes().isEmpty()
                    || selection.eventTypes().contains(op == Op.OTHER ? text : op.letter());
        }

        Op op() {
            return op;
        }

        /** Whether the selection takes such events. */
        boolean wanted() {
            return wanted;
        }

        /** The key as rows of these columns have it. */
        Key key(ColumnSet columns) {
            if (key.isEmpty()) {
                return Key.NONE;
            }
            if (lastColumns != columns) {
                lastKey = keys.computeIfAbsent(columns, this::resolve);
                lastColumns = columns;
            }
            return lastKey;
        }

        private Key resolve(ColumnSet columns) {
            List<String> names = new ArrayList<>(key.size());
            for (String source : key) {
                String target = selection.target(source);
                if (target == null || columns.position(target) < 0) {
                    return new Key(List.of(), source);
                }
                names.add(target);
            }
            return new Key(List.copyOf(names), null);
        }
    }

    private final RowSelection selection;
    private final boolean json;
    private final Map<String, Type> types = new HashMap<>();
    private Type last;

    /**
     * @param json whether types are as {@code pgq.jsontriga()} writes them,
     *     <code>{"op":"UPDATE","table":["public","t"],"pkey":["id"]}</code>, or else as {@code pgq.logutriga()} does:
     *     {@code U:id,day}
     */
    EventTypes(RowSelection selection, boolean json) {
        this.selection = selection;
        this.json = json;
    }

    Type of(String text) {
        Type known = last;
        if (known == null || !known.text.equals(text)) {
            known = types.get(text);
            if (known == null) {
                if (types.size() >= REMEMBERED) {
                    types.clear();
                }
                known = json && text.startsWith("{") ? parseJson(text) : parse(text);
                types.put(text, known);
            }
            last = known;
        }
        return known;
    }

    /** Decodes one of an event's rows. */
    @FunctionalInterface
    interface RowReader {

        /**
         * @param type of the event
         * @param where which of its columns the row is in, for messages
         * @param from where in the event's bytes it begins
         * @param to where it ends
         * @param before the row as it was, null for none
         */
        RowChange read(Type type, String where, int from, int to, RowChange before);
    }

    /**
     * Decodes an event: the row, and the row as it was where an update brings it.
     *
     * @return null where the selection does not take such events
     * @throws BadRowException where the event holds no row, and whatever the reader throws
     */
    RowChange read(Event event, RowReader rows) {
        Type type = of(event.type());
        if (!type.wanted()) {
            return null;
        }
        if (type.op() == Op.TRUNCATE) {
            return RowChange.truncate(event);
        }
        if (event.dataFrom() < 0) {
            throw new BadRowException(event, "ev_data is NULL, so it has no row");
        }
        RowChange before = null;
        if (type.op() == Op.UPDATE && event.extraFrom(2) >= 0) {
            before = rows.read(type, "ev_extra2", event.extraFrom(2), event.extraTo(2), null);
        }
        RowChange row = rows.read(type, "ev_data", event.dataFrom(), event.dataTo(), before);
        String missing = selection.missing(row);
        if (missing != null) {
            throw new MissingFieldException(event, missing);
        }
        return row;
    }

    /** Forgets everything, because column sets are going to be made anew. */
    void forget() {
        types.clear();
        last = null;
    }

    private Type parse(String text) {
        boolean listsKey = text.length() > 1 && text.charAt(1) == ':';
        Op op = Op.of(listsKey ? text.substring(0, 1) : text);
        if (op == Op.OTHER || op == Op.TRUNCATE && listsKey) {
            return new Type(text, Op.OTHER, List.of());
        }
        String keys = listsKey ? text.substring(2) : "";
        return new Type(text, op, keys.isEmpty() ? List.of() : List.of(keys.split(",")));
    }

    /** Whatever is not written as the trigger does it is a type of the producer's own. */
    private Type parseJson(String text) {
        String name = null;
        List<String> key = new ArrayList<>();
        try (JsonParser parser = JSON.createParser(text)) {
            parser.nextToken();
            for (String field = parser.nextFieldName(); field != null; field = parser.nextFieldName()) {
                JsonToken value = parser.nextToken();
                if (field.equals("op") && value == JsonToken.VALUE_STRING) {
                    name = parser.getText();
                } else if (field.equals("pkey") && value == JsonToken.START_ARRAY) {
                    while (parser.nextToken() == JsonToken.VALUE_STRING) {
                        key.add(parser.getText());
                    }
                } else {
                    parser.skipChildren();
                }
            }
        } catch (IOException e) {
            name = null;
        }
        for (Op op : Op.values()) {
            if (op.name().equals(name) && op != Op.OTHER) {
                return new Type(text, op, op == Op.TRUNCATE ? List.of() : List.copyOf(key));
            }
        }
        return new Type(text, Op.OTHER, List.of());
    }
}

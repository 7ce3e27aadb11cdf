package io.pgcaravan.camel;

import io.pgcaravan.batch.Event;
import io.pgcaravan.batch.RowAccount;
import io.pgcaravan.batch.RowAccount.Branch;
import io.pgcaravan.batch.RowAccount.Entry;
import io.pgcaravan.row.RowChange;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.camel.Exchange;

/** What an exchange is about: a single row of the batch, and the branch of a multicast that it is in. */
final class Slot {

    private static final String PROPERTY = "CaravanSlot";

    /** Copies of an exchange begin with its slot: it is theirs only once they made one of their own. */
    private final Exchange owner;

    /** Null where the exchange is about a chunk. */
    final Entry entry;

    /** Null for none. */
    final Branch branch;

    /** What decode made of the event; null before. */
    RowChange row;

    /** What statements of the route wrote for it, as {@link GuardedConnection} counts. */
    final Map<String, Long> written = new LinkedHashMap<>();

    Slot(Exchange owner, Entry entry, Branch branch, RowChange row) {
        this.owner = owner;
        this.entry = entry;
        this.branch = branch;
        this.row = row;
    }

    /** The exchange's slot, or that of the one which it was copied from; null for none. */
    static Slot of(Exchange exchange) {
        return (Slot) exchange.getProperty(PROPERTY);
    }

    boolean belongsTo(Exchange exchange) {
        return owner == exchange;
    }

    static void put(Exchange exchange, Entry entry, Branch branch, RowChange row) {
        exchange.setProperty(PROPERTY, new Slot(exchange, entry, branch, row));
    }

    /** Makes {@code slot} (null for none) the exchange's again, where a step put another one there. */
    static void restore(Exchange exchange, Slot slot) {
        if (of(exchange) == slot) {
            return;
        }
        if (slot == null) {
            exchange.removeProperty(PROPERTY);
        } else {
            exchange.setProperty(PROPERTY, slot);
        }
    }

    /** The account's entries of an exchange: its single row, or each of its body's events or rows; null where it has none. */
    static List<Entry> entries(Exchange exchange) {
        Slot slot = of(exchange);
        Object body = exchange.getMessage().getBody();
        if (body instanceof RowChange row) {
            return List.of(slot == null ? row.entry() : slot.of(row));
        }
        if (slot != null && slot.entry != null) {
            return List.of(slot.entry);
        }
        if (body instanceof Event event) {
            return List.of(event);
        }
        if (!(body instanceof List<?> list)) {
            return null;
        }
        List<Entry> entries = new ArrayList<>(list.size());
        for (Object element : list) {
            if (element instanceof RowChange row) {
                entries.add(row.entry());
            } else if (element instanceof Event event) {
                entries.add(event);
            } else {
                return null;
            }
        }
        return entries;
    }

    /** A row of the exchange that a step works on: its account is that of the exchange's entry. */
    static void take(Exchange exchange, RowChange row) {
        Slot slot = of(exchange);
        if (slot != null) {
            row.accountAs(slot.of(row));
        }
    }

    Event event() {
        return RowAccount.eventOf(entry);
    }

    /** The account's entry of a row: the exchange's, which may be a part of the event, or the event. */
    Entry of(RowChange change) {
        return entry != null && event() == change.event() ? entry : change.entry();
    }
}

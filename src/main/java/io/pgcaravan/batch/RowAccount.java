package io.pgcaravan.batch;

import io.pgcaravan.sql.TableName;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * What became of each event of a batch. Every event that was handed to the route must be loaded into each table that a step
 * named for it, left out on purpose, or put among the dead letters; else {@link #close} fails and nothing is committed.
 *
 * <p>Events that stand alike share one {@link Fate}, so that an event costs a reference and no more, and chunks whose events
 * are all settled are counted and forgotten. Used by one thread at a time.
 */
public final class RowAccount {

    /** A step of the route, as far as the account has to know it. */
    public interface Step {

        /** Its id or what it does, for messages. */
        String name();

        /** Whether it is a filter: what it keeps back goes to no further step. */
        boolean filters();
    }

    /** What needs a fate: an event, or one of the rows that a split of the route made of it. */
    public abstract static class Entry {

        private Fate fate;
        private Step reached;
        private Branch reachedIn;

        Entry() {}

        abstract Event event();
    }

    private static final class Part extends Entry {

        private final Entry whole;
        private final Event event;

        Part(Entry whole) {
            this.whole = whole;
            this.event = whole.event();
        }

        @Override
        Event event() {
            return event;
        }

        @Override
        public String toString() {
            return "a part of " + event;
        }
    }

    /**
     * A branch of a multicast, in which every event needs a fate of its own.
     *
     * @param outer the branch that the multicast stands in, null for none
     * @param name the branch's first step, for messages
     */
    public record Branch(Branch outer, String name) {

        boolean isIn(Branch other) {
            for (Branch at = this; at != null; at = at.outer) {
                if (at.equals(other)) {
                    return true;
                }
            }
            return other == null;
        }
    }

    /** @param place a {@link TableName}, the name of a queue, or null where the branch itself asks for a fate */
    private record Obligation(Object place, Branch branch) {

        boolean isMetBy(Object loadedInto, Branch in) {
            return in(in) && (place == null || isOf(loadedInto));
        }

        boolean isOf(Object other) {
            return place.equals(other) || place instanceof TableName a && other instanceof TableName b && a.mayBe(b);
        }

        boolean in(Branch at) {
            return at == null ? branch == null : at.isIn(branch);
        }

        @Override
        public String toString() {
            return (place == null ? "" : " into " + place)
                    + (branch == null ? "" : " in branch \"" + branch.name + "\"");
        }
    }

    private enum Move {
        OBLIGE,
        LOAD,
        UNLOAD,
        LEAVE_OUT,
        BURY,
        DIVIDE,
        MEET
    }

    /** Immutable but for its counter and the moves it remembers. */
    private static final class Fate {

        private final RowAccount account;
        private final Set<Obligation> open;
        private final Set<Obligation> loaded;
        private final Set<Obligation> leftOut;
        private final boolean buried;
        private final boolean divided;

        private final Map<List<Object>, Fate> moves = new HashMap<>();
        private final Object[] lastKey = new Object[Move.values().length];
        private final Branch[] lastBranch = new Branch[Move.values().length];
        private final Fate[] last = new Fate[Move.values().length];
        private long closed;

        Fate(
                RowAccount account,
                Set<Obligation> open,
                Set<Obligation> loaded,
                Set<Obligation> leftOut,
                boolean buried,
                boolean divided) {
            this.account = account;
            this.open = open;
            this.loaded = loaded;
            this.leftOut = leftOut;
            this.buried = buried;
            this.divided = divided;
            account.fates.add(this);
        }

        boolean settled() {
            return buried || open.isEmpty() && (!loaded.isEmpty() || !leftOut.isEmpty() || divided);
        }

        Fate move(Move move, Object key, Branch branch) {
            int i = move.ordinal();
            if (last[i] == null || lastKey[i] != key || lastBranch[i] != branch) {
                last[i] = moves.computeIfAbsent(
                        java.util.Arrays.asList(move, key, branch), made -> make(move, key, branch));
                lastKey[i] = key;
                lastBranch[i] = branch;
            }
            return last[i];
        }

        private Fate make(Move move, Object key, Branch branch) {
            return switch (move) {
                case OBLIGE ->
                    new Fate(account, with(open, new Obligation(key, branch)), loaded, leftOut, buried, divided);
                case LOAD ->
                    // the same fate again means that the table has the row already
                    loaded.stream().anyMatch(one -> one.isOf(key))
                            ? this
                            : new Fate(
                                    account,
                                    without(open, one -> one.isMetBy(key, branch)),
                                    with(loaded, new Obligation(key, branch)),
                                    leftOut,
                                    buried,
                                    divided);
                case UNLOAD ->
                    new Fate(
                            account,
                            open,
                            without(loaded, one -> one.equals(new Obligation(key, branch))),
                            leftOut,
                            buried,
                            divided);
                case LEAVE_OUT ->
                    new Fate(
                            account,
                            without(open, one -> one.in(branch)),
                            loaded,
                            with(leftOut, new Obligation(key, branch)),
                            buried,
                            divided);
                case BURY -> new Fate(account, Set.of(), loaded, leftOut, true, divided);
                case DIVIDE -> new Fate(account, open, loaded, leftOut, buried, true);
                case MEET ->
                    new Fate(
                            account,
                            without(open, one -> key == null ? one.in(branch) : one.isMetBy(key, branch)),
                            loaded,
                            leftOut,
                            buried,
                            divided);
            };
        }

        private static <T> Set<T> with(Set<T> set, T one) {
            if (set.contains(one)) {
                return set;
            }
            Set<T> more = new LinkedHashSet<>(set);
            more.add(one);
            return Collections.unmodifiableSet(more);
        }

        private static <T> Set<T> without(Set<T> set, java.util.function.Predicate<T> gone) {
            return set.stream().filter(gone.negate()).collect(Collectors.toCollection(LinkedHashSet::new));
        }
    }

    /** Reasons of one batch that are told apart. */
    private static final int MOST_REASONS = 20;

    private final String batch;
    private final boolean careful;
    private final boolean filteredIsLeftOut;
    private final List<Fate> fates = new ArrayList<>();
    private final Fate open;
    private final Deque<List<Event>> chunks = new ArrayDeque<>();
    private final List<Part> parts = new ArrayList<>();
    private final Map<Object, Object> reasons = new HashMap<>();
    private final Map<Object, Long> refused = new HashMap<>();
    /** Those since {@link #close} was called last, which {@link #reopen} forgets. */
    private final Map<Object, Long> refusedOfOpen = new HashMap<>();

    private final Map<Event, BadRowException> buried = new HashMap<>();
    private Branch branch;
    private Step reached;
    private boolean used;
    private long loads;

    /**
     * @param batch for messages
     * @param careful whether chunks may be taken back one by one, so that none is closed before {@link #close}
     * @param filteredIsLeftOut whether an event whose last step was a filter counts as left out on purpose
     */
    RowAccount(Object batch, boolean careful, boolean filteredIsLeftOut) {
        this.batch = String.valueOf(batch);
        this.careful = careful;
        this.filteredIsLeftOut = filteredIsLeftOut;
        this.open = new Fate(this, Set.of(), Set.of(), Set.of(), false, false);
    }

    /** Opens the account of events that the route gets now, and closes that of earlier ones that are settled. */
    public void handOut(List<Event> chunk) {
        if (!careful) {
            closeSettled();
        }
        for (Event event : chunk) {
            ((Entry) event).fate = open;
        }
        chunks.add(chunk);
        used = true;
    }

    /** Says in which branch of a multicast the next moves happen; null for none. */
    public void enter(Branch entered) {
        branch = entered;
    }

    /** Whether an event whose last step was a filter counts as left out on purpose. */
    public boolean filteredIsLeftOut() {
        return filteredIsLeftOut;
    }

    /** Notes the step that a row has reached, and the branch where. */
    public void reach(Entry entry, Step step, Branch in) {
        if (filteredIsLeftOut
                && entry.reachedIn != null
                && entry.reached.filters()
                && entry.fate != null
                && (in == null || !in.isIn(entry.reachedIn))) {
            // the branch has ended at the filter
            entry.fate = entry.fate.move(Move.LEAVE_OUT, entry.reached.name(), entry.reachedIn);
        }
        entry.reached = step;
        entry.reachedIn = in;
    }

    /** Notes the step that the events without a note of their own have reached. */
    public void reach(Step step) {
        reached = step;
    }

    /** A step names a table (or queue) for a row: the row has to be loaded there. */
    public void oblige(Entry entry, Object place) {
        entry.fate = own(entry).move(Move.OBLIGE, place, branch);
    }

    /** The row enters the branch that {@link #enter} named, and needs a fate there. */
    public void enters(Entry entry) {
        oblige(entry, null);
    }

    /**
     * A load step takes the row.
     *
     * @param place a {@link TableName}, or a queue's name
     * @throws IllegalStateException where that table had it before, which would double it, and where it was left out by a
     *     {@link Dismissal}
     * @throws BadRowException where the event is among the dead letters: it belongs into no table then
     */
    public void load(Entry entry, Object place) {
        Fate fate = own(entry);
        BadRowException bad = buried.isEmpty() ? null : buried.get(entry.event());
        if (bad != null) {
            throw bad;
        }
        Fate next = fate.move(Move.LOAD, place, branch);
        if (next == fate) {
            throw new IllegalStateException(entry + " of " + batch + " came to a load step of table " + place
                    + " twice, which would double its row; take out the loop, branch or redelivery that repeats the"
                    + " step (a row that is to become several needs a split)");
        }
        for (Obligation left : fate.leftOut) {
            if (left.place instanceof Dismissal && left.in(branch)) {
                throw new IllegalStateException(entry + " of " + batch + " was left out (" + left.place
                        + ") and came to the load step of table "
                        + place + " afterwards; leave-out does not end the route, so put the load step into the"
                        + " otherwise of a choice, or before leave-out");
            }
        }
        entry.fate = next;
        meet(entry, place, branch);
        loads++;
    }

    /** How often {@link #load} was called. */
    public long loads() {
        return loads;
    }

    /** The event that an entry is, or is a part of. */
    public static Event eventOf(Entry entry) {
        return entry.event();
    }

    /** Takes {@link #load} back: the load step cannot load the row and is about to reject it. */
    public void unload(Entry entry, Object place) {
        entry.fate = own(entry).move(Move.UNLOAD, place, branch);
    }

    /** A reason that a step of the route's author gave to leave rows out: none of them may be loaded afterwards. */
    public record Dismissal(String reason) {

        private static final Dismissal OTHER = new Dismissal("other");
        private static final int LONGEST = 100;

        public Dismissal {
            reason = reason.length() > LONGEST ? reason.substring(0, LONGEST) + "..." : reason;
        }

        @Override
        public String toString() {
            return reason;
        }
    }

    /**
     * The row is left out on purpose. Where a batch has many reasons, the later ones count as "other".
     *
     * @param reason a text, or a {@link Dismissal}
     */
    public void leaveOut(Entry entry, Object reason) {
        Object known = reasons.size() < MOST_REASONS
                ? reasons.computeIfAbsent(reason, first -> first)
                : reasons.getOrDefault(reason, reason instanceof Dismissal ? Dismissal.OTHER : "other");
        entry.fate = own(entry).move(Move.LEAVE_OUT, known, branch);
        meet(entry, null, branch);
    }

    /** A split of the route makes several rows of one; each of them needs a fate, and one of them can meet what the row owes. */
    public Entry divide(Entry entry) {
        Part part = new Part(entry);
        entry.fate = own(entry).move(Move.DIVIDE, null, null);
        ((Entry) part).fate = open;
        parts.add(part);
        return part;
    }

    /** @param place null where the part was left out */
    private static void meet(Entry part, Object place, Branch in) {
        for (Entry at = part; at instanceof Part one; at = one.whole) {
            Entry whole = one.whole;
            if (!whole.fate.open.isEmpty()) {
                whole.fate = whole.fate.move(Move.MEET, place, in);
            }
        }
    }

    /**
     * The event goes among the dead letters.
     *
     * @throws BadRowException {@code bad} itself, where the event was loaded into a table before: it has to come out of
     *     there first
     */
    void bury(BadRowException bad) {
        Event event = bad.event();
        Entry entry = event;
        if (entry.fate == null || entry.fate.account != this) {
            return; // it was rejected before the route had it
        }
        if (!entry.fate.loaded.isEmpty()
                || entry.fate.divided
                        && parts.stream()
                                .anyMatch(part -> part.event == event && !((Entry) part).fate.loaded.isEmpty())) {
            throw bad;
        }
        entry.fate = entry.fate.move(Move.BURY, null, null);
        buried.put(event, bad);
    }

    /** Forgets what became of these events: the target went back to where it was before them. */
    public void reopen(List<Event> events) {
        Set<Event> gone = Collections.newSetFromMap(new java.util.IdentityHashMap<>());
        for (Event event : events) {
            Entry entry = event;
            gone.add(event);
            entry.fate = open;
            entry.reached = null;
            entry.reachedIn = null;
        }
        parts.removeIf(part -> gone.contains(part.event));
        refusedOfOpen.clear();
        buried.keySet().removeAll(gone);
        chunks.removeIf(chunk -> !chunk.isEmpty() && gone.contains(chunk.get(0)));
        branch = null;
        reached = null;
    }

    /** The table took fewer rows than it was sent: a trigger or a conflict clause of its own kept them back. */
    public void refuse(Object place, long rows) {
        refusedOfOpen.merge(place, rows, Long::sum);
    }

    /** Rows that tables refused, by table. */
    public Map<Object, Long> refused() {
        return refused;
    }

    private Fate own(Entry entry) {
        if (entry.fate == null || entry.fate.account != this) {
            if (!used) {
                return open; // no route, so nothing was handed out
            }
            throw new IllegalStateException(entry + " is no event of " + batch
                    + "; a step of the route kept it from an earlier batch or made it");
        }
        return entry.fate;
    }

    /**
     * Closes the account.
     *
     * @throws IllegalStateException where an event has no fate; names how many, the first, and the step that it reached
     */
    public void close() {
        closeSettled();
        List<Entry> missing = new ArrayList<>();
        for (List<Event> chunk : chunks) {
            chunk.stream().filter(this::isMissing).forEach(missing::add);
        }
        parts.stream().filter(this::isMissing).forEach(missing::add);
        if (!missing.isEmpty()) {
            Entry first = missing.get(0);
            Set<Obligation> owed = first.fate.open;
            Step step = first.reached == null ? reached : first.reached;
            throw new IllegalStateException(missing.size() + (missing.size() == 1 ? " row of " : " rows of ") + batch
                    + (missing.size() == 1 ? " was" : " were") + " not loaded"
                    + owed.stream().map(Object::toString).collect(Collectors.joining(" and"))
                    + " and not left out on purpose. The first is " + first
                    + (step == null ? "" : "; the last step that it reached is \"" + step.name() + "\"")
                    + ". Send such rows to the load step, or to pgq-leave-out:REASON; nothing was committed");
        }
        refusedOfOpen.forEach((place, rows) -> refused.merge(place, rows, Long::sum));
        refusedOfOpen.clear();
    }

    private boolean isMissing(Entry entry) {
        if (entry.fate.settled() || entry instanceof Part && ((Entry) entry.event()).fate.buried) {
            return false;
        }
        if (filteredIsLeftOut && entry.reached != null && entry.reached.filters()) {
            Fate left = entry.fate.move(Move.LEAVE_OUT, entry.reached.name(), entry.reachedIn);
            if (left.settled()) {
                entry.fate = left;
                meet(entry, null, entry.reachedIn);
                return false;
            }
        }
        return true;
    }

    private void closeSettled() {
        parts.removeIf(part -> {
            boolean settled = !isMissing(part);
            if (settled) {
                ((Entry) part).fate.closed++;
            }
            return settled;
        });
        for (Iterator<List<Event>> each = chunks.iterator(); each.hasNext(); ) {
            List<Event> chunk = each.next();
            boolean settled = true;
            for (int i = 0; settled && i < chunk.size(); i++) {
                settled = !isMissing(chunk.get(i));
            }
            if (settled) {
                chunk.forEach(event -> ((Entry) event).fate.closed++);
                each.remove();
            }
        }
    }

    /**
     * Rows by what became of them, once the account is closed: {@code loaded into T}, {@code left out: REASON}, {@code dead
     * letters}, {@code refused by T}.
     */
    public Map<String, Long> totals() {
        Map<String, Long> totals = new TreeMap<>();
        for (Fate fate : fates) {
            if (fate.closed == 0) {
                continue;
            }
            if (fate.buried) {
                totals.merge("dead letters", fate.closed, Long::sum);
                continue;
            }
            fate.loaded.forEach(into -> totals.merge("loaded into " + into.place, fate.closed, Long::sum));
            fate.leftOut.stream()
                    .map(one -> one.place.toString())
                    .distinct()
                    .forEach(reason -> totals.merge("left out: " + reason, fate.closed, Long::sum));
        }
        refused.forEach((place, rows) -> {
            totals.merge("loaded into " + place, -rows, Long::sum);
            totals.merge("refused by " + place, rows, Long::sum);
        });
        return totals;
    }
}

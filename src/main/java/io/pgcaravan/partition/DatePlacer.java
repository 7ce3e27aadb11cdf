package io.pgcaravan.partition;

import io.pgcaravan.queue.Batch;
import io.pgcaravan.row.RowChange;
import io.pgcaravan.sql.Partition;
import io.pgcaravan.sql.TableName;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.zone.ZoneOffsetTransition;
import java.time.zone.ZoneRules;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;

/**
 * Computes the periods of one batch's rows. It looks at no database; two rows of one period get the same {@link Place}.
 *
 * <p>It must say of a value exactly what PostgreSQL will make of it in the parent's column, or a row would be refused by
 * its own partition: a date or timestamp column drops an offset, a timestamptz is an instant, fractions are rounded to
 * the column's precision.
 */
final class DatePlacer implements Placer {

    private static final long MICROS_PER_SECOND = 1_000_000;
    private static final long MICROS_PER_DAY = 86_400 * MICROS_PER_SECOND;
    private static final long MICROS_PER_HOUR = 3_600 * MICROS_PER_SECOND;
    /** 2000-01-01: PostgreSQL rounds fractions away from here. */
    private static final long POSTGRES_EPOCH = 10_957 * MICROS_PER_DAY;

    /** A power of two. */
    private static final int RECENT = 256;

    private static final int LONGEST_VALUE_IN_MESSAGE = 60;

    private final PartitionSettings settings;
    private final BoundType type;
    private final TableName parent;
    private final ZoneId zone;
    private final ZoneOffsets zoneOffsets;
    private final ZoneOffsets sessionOffsets;
    private final long rounding;
    private final boolean hourly;
    private final LocalDate oldest;
    private final LocalDate newest;
    private final Instant fixedTime;
    /** What ends then or earlier is older than the retention period; null where all is kept. */
    private final Instant cutoff;

    private final PlacingColumn placingColumn;
    private final DateText text = new DateText();
    /** The places of recently seen days (or hours), each where its number's last bits say. */
    private final Place[] recent = new Place[RECENT];

    private final long[] recentIndex = new long[RECENT];
    private final Map<Long, Place> byIndex = new HashMap<>();
    private final Map<Long, Place> byStart = new HashMap<>();
    private String refusal;

    /** @param batch null for no rows, only times */
    DatePlacer(PartitionSettings settings, Parent parent, Batch batch, Instant now) {
        this.settings = settings;
        this.placingColumn = new PlacingColumn(settings);
        this.type = parent.boundType();
        this.parent = parent.table();
        this.zone = settings.timeZone();
        this.zoneOffsets = new ZoneOffsets(zone);
        this.sessionOffsets = new ZoneOffsets(parent.sessionZone() == null ? zone : parent.sessionZone());
        this.rounding = roundingUnit(parent.fractionDigits());
        this.hourly = settings.period() == Period.HOUR;
        LocalDate today = LocalDate.ofInstant(now, zone);
        this.oldest = settings.oldest().on(today);
        this.newest = settings.newest().on(today);
        this.fixedTime = settings.partMode() == PartMode.BATCH_TIME && batch != null ? batch.tickTime() : now;
        this.cutoff = settings.retention() == null
                ? null
                : settings.retention().period().before(now, zone);
    }

    private static long roundingUnit(int fractionDigits) {
        long unit = 1;
        for (int digits = fractionDigits; digits < 6; digits++) {
            unit *= 10;
        }
        return unit;
    }

    @Override
    public Place of(RowChange row) {
        if (settings.partMode() != PartMode.DATE_FIELD) {
            Instant at =
                    settings.partMode() == PartMode.EVENT_TIME ? row.event().time() : fixedTime;
            Place place = atInstant(
                    Math.addExact(Math.multiplyExact(at.getEpochSecond(), MICROS_PER_SECOND), at.getNano() / 1000));
            return place.refusal == null
                    ? place
                    : refuse("its " + settings.partMode().toString().replace('_', ' ') + " gives it", place.refusal);
        }
        int column = placingColumn.of(row);
        if (column < 0) {
            refusal = placingColumn.missing();
            return null;
        }
        int from = row.from(column);
        if (from < 0) {
            refusal = "column \"" + settings.partField() + "\" is NULL, so the row belongs to no partition of "
                    + settings.destTable();
            return null;
        }
        String unreadable = text.read(row.bytes(), from, row.to(column));
        Place place = unreadable == null ? placeOfText() : null;
        return place != null && place.refusal == null
                ? place
                : refuseValue(row.text(column), place == null ? unreadable : place.refusal);
    }

    private Place refuseValue(String value, String why) {
        String shown =
                value.length() > LONGEST_VALUE_IN_MESSAGE ? value.substring(0, LONGEST_VALUE_IN_MESSAGE) + "…" : value;
        return refuse("column \"" + settings.partField() + "\" = '" + shown + "' gives the row", why);
    }

    private Place refuse(String what, String why) {
        refusal = what + " no partition of " + settings.destTable() + ": " + why;
        return null;
    }

    @Override
    public Collection<Place> places() {
        return byStart.values();
    }

    @Override
    public String refusal() {
        return refusal;
    }

    private Place placeOfText() {
        if (type == BoundType.DATE || (!hourly && isOfItsOwnDay())) {
            return at(text.epochDay);
        }
        long local = text.epochDay * MICROS_PER_DAY + text.microsOfDay;
        switch (type) {
            case TIMESTAMP:
                return atLocal(rounded(local));
            case TIMESTAMPTZ:
                long offset = text.offsetSeconds == DateText.NO_OFFSET
                        ? sessionOffsets.ofLocal(Math.floorDiv(local, MICROS_PER_SECOND))
                        : text.offsetSeconds;
                return atInstant(rounded(local - offset * MICROS_PER_SECOND));
            default:
                return text.offsetSeconds == DateText.NO_OFFSET
                        ? atLocal(local)
                        : atInstant(local - text.offsetSeconds * MICROS_PER_SECOND);
        }
    }

    /** Whether the value's day is the row's: neither an offset nor rounding nor 24:00 can move it. The usual case. */
    private boolean isOfItsOwnDay() {
        return type != BoundType.TIMESTAMPTZ
                && (text.offsetSeconds == DateText.NO_OFFSET || type == BoundType.TIMESTAMP)
                && rounding == 1
                && text.microsOfDay < MICROS_PER_DAY;
    }

    /** As AdjustTimestampForTypmod does it: half away from the year 2000. */
    private long rounded(long micros) {
        if (rounding == 1) {
            return micros;
        }
        long since = micros - POSTGRES_EPOCH;
        long half = rounding / 2;
        long whole = since >= 0 ? (since + half) / rounding * rounding : -((-since + half) / rounding * rounding);
        return whole + POSTGRES_EPOCH;
    }

    private Place atInstant(long instant) {
        long offset = zoneOffsets.ofInstant(Math.floorDiv(instant, MICROS_PER_SECOND));
        Place place = atLocal(instant + offset * MICROS_PER_SECOND);
        if (type == BoundType.TIMESTAMPTZ && place.refusal == null) {
            // where a clock goes back over midnight, a date comes twice: the bounds decide
            while (instant >= place.high) {
                place = atLocal(toMicros(LocalDateTime.ofInstant(place.toTime, zone)));
                if (place.refusal != null) {
                    return place;
                }
            }
        }
        return place;
    }

    private Place atLocal(long local) {
        return at(hourly ? Math.floorDiv(local, MICROS_PER_HOUR) : Math.floorDiv(local, MICROS_PER_DAY));
    }

    /** @param index days since 1970, hours where the period is one */
    private Place at(long index) {
        int slot = (int) index & (RECENT - 1);
        Place place = recent[slot];
        if (place == null || recentIndex[slot] != index) {
            place = byIndex.computeIfAbsent(index, this::make);
            recent[slot] = place;
            recentIndex[slot] = index;
        }
        return place;
    }

    private Place make(long index) {
        LocalDateTime time = hourly
                ? LocalDateTime.ofEpochSecond(index * 3600, 0, ZoneOffset.UTC)
                : LocalDate.ofEpochDay(index).atStartOfDay();
        LocalDate date = time.toLocalDate();
        if (date.isBefore(oldest) || date.isAfter(newest)) {
            return new Place(date + " is outside the allowed window from " + oldest + " to " + newest
                    + " (settings oldest and newest)");
        }
        LocalDateTime start = settings.period().start(time);
        return byStart.computeIfAbsent(toMicros(start), micros -> period(start));
    }

    private Place period(LocalDateTime start) {
        LocalDateTime next = settings.period().next(start);
        Instant from = start.atZone(zone).toInstant();
        Instant to = next.atZone(zone).toInstant();
        TableName name = settings.partName().ofPeriod(settings, parent, start);
        Partition named = new Partition(name, type.literal(start, zone), type.literal(next, zone));
        boolean instants = type == BoundType.TIMESTAMPTZ;
        Place place = new Place(
                instants ? from.getEpochSecond() * MICROS_PER_SECOND : toMicros(start),
                instants ? to.getEpochSecond() * MICROS_PER_SECOND : toMicros(next),
                from,
                to,
                named,
                new PartitionBound.Range(type.sqlType(), named.from(), named.to()));
        place.obsolete = cutoff != null && !to.isAfter(cutoff);
        return place;
    }

    /** The period that holds an instant; null where it is outside the allowed window. */
    Place at(Instant instant) {
        Place place = atInstant(Math.multiplyExact(instant.getEpochSecond(), MICROS_PER_SECOND));
        return place.refusal == null ? place : null;
    }

    private static long toMicros(LocalDateTime local) {
        return local.toEpochSecond(ZoneOffset.UTC) * MICROS_PER_SECOND;
    }

    /** A zone's offset in seconds, remembered from one transition to the next: ZoneRules are too slow for each row. */
    private static final class ZoneOffsets {
        private final ZoneRules rules;
        private final boolean fixed;
        private long from = Long.MAX_VALUE;
        private long to = Long.MIN_VALUE;
        private int seconds;

        ZoneOffsets(ZoneId zone) {
            rules = zone.getRules();
            fixed = rules.isFixedOffset();
            seconds = rules.getOffset(Instant.EPOCH).getTotalSeconds();
        }

        int ofInstant(long epochSecond) {
            if (fixed || (epochSecond >= from && epochSecond < to)) {
                return seconds;
            }
            Instant instant = Instant.ofEpochSecond(epochSecond);
            ZoneOffsetTransition next = rules.nextTransition(instant);
            ZoneOffsetTransition previous = rules.previousTransition(instant.plusNanos(1));
            from = previous == null ? Long.MIN_VALUE : previous.toEpochSecond();
            to = next == null ? Long.MAX_VALUE : next.toEpochSecond();
            seconds = rules.getOffset(instant).getTotalSeconds();
            return seconds;
        }

        int ofLocal(long localSecond) {
            return fixed
                    ? seconds
                    : rules.getOffset(LocalDateTime.ofEpochSecond(localSecond, 0, ZoneOffset.UTC))
                            .getTotalSeconds();
        }
    }
}

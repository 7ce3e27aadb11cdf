package io.pgcaravan.partition;

import static org.assertj.core.api.Assertions.assertThat;

import io.pgcaravan.sql.TableName;
import java.time.LocalDateTime;
import java.time.ZoneId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Partitions are named and bounded as table_dispatcher and londiste do it. */
class PeriodTest {

    @ParameterizedTest
    @CsvSource({
        "HOUR,  2026-10-02T05:59:59, 2026-10-02T05:00, 2026-10-02T06:00, _2026_10_02_05",
        "HOUR,  2026-12-31T23:00:00, 2026-12-31T23:00, 2027-01-01T00:00, _2026_12_31_23",
        "DAY,   2026-10-02T05:04:03, 2026-10-02T00:00, 2026-10-03T00:00, _2026_10_02",
        "DAY,   2028-02-29T00:00:00, 2028-02-29T00:00, 2028-03-01T00:00, _2028_02_29",
        "WEEK,  2026-10-02T05:04:03, 2026-09-28T00:00, 2026-10-05T00:00, _2026_w40",
        "WEEK,  2027-01-01T00:00:00, 2026-12-28T00:00, 2027-01-04T00:00, _2026_w53",
        "WEEK,  2024-12-30T00:00:00, 2024-12-30T00:00, 2025-01-06T00:00, _2025_w01",
        "MONTH, 2026-10-31T23:59:59, 2026-10-01T00:00, 2026-11-01T00:00, _2026_10",
        "YEAR,  2026-12-31T23:59:59, 2026-01-01T00:00, 2027-01-01T00:00, _2026",
        "YEAR,  0007-05-05T00:00:00, 0007-01-01T00:00, 0008-01-01T00:00, _0007"
    })
    void a_time_belongs_to_one_period(
            Period period, LocalDateTime time, LocalDateTime start, LocalDateTime next, String suffix) {
        assertThat(period.start(time)).isEqualTo(start);
        assertThat(period.next(start)).isEqualTo(next);
        PartitionSettings settings = new PartitionOptions("log")
                .with(o -> {
                    o.partField = "at";
                    o.period = period.toString();
                })
                .settings();
        assertThat(settings.partName().ofPeriod(settings, new TableName("public", "log"), start))
                .isEqualTo(new TableName("public", "log" + suffix));
    }

    @Test
    void periods_are_read_by_both_names() {
        assertThat(Period.parse("day")).isEqualTo(Period.DAY);
        assertThat(Period.parse("Monthly")).isEqualTo(Period.MONTH);
        assertThat(Period.parse("daily")).isEqualTo(Period.DAY);
        assertThat(Period.parse("decade")).isNull();
    }

    @ParameterizedTest
    @CsvSource({
        "DATE,        2026-10-02T00:00, Europe/Riga,      2026-10-02",
        "DATE,      +10000-01-01T00:00, UTC,              10000-01-01",
        "TIMESTAMP,   2026-10-02T05:00, Europe/Riga,      2026-10-02 05:00:00",
        "TIMESTAMPTZ, 2026-10-02T00:00, UTC,              2026-10-02 00:00:00+00:00",
        "TIMESTAMPTZ, 2026-10-02T00:00, Europe/Riga,      2026-10-02 00:00:00+03:00",
        "TIMESTAMPTZ, 2026-12-02T00:00, Europe/Riga,      2026-12-02 00:00:00+02:00",
        "TIMESTAMPTZ, 2018-11-04T00:00, America/Sao_Paulo, 2018-11-04 01:00:00-02:00",
        "NONE,        2026-10-02T00:00, UTC,              2026-10-02",
        "NONE,        2026-10-02T05:00, UTC,              2026-10-02 05:00:00"
    })
    void bounds_are_literals_of_the_columns_type(BoundType type, LocalDateTime at, String zone, String literal) {
        assertThat(type.literal(at, ZoneId.of(zone))).isEqualTo(literal);
    }
}

package io.pgcaravan.partition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pgcaravan.sql.TableName;
import java.time.LocalDate;
import java.time.ZoneOffset;
import org.junit.jupiter.api.Test;

/** Settings are refused as a whole, and every problem is named. */
class PartitionSettingsTest {

    private static final LocalDate TODAY = LocalDate.of(2026, 10, 2);

    @Test
    void defaults_are_days_in_utc_from_1970_to_a_year_ahead() {
        PartitionSettings settings =
                PartitionSettings.builder("public.Odd.Log").partField("day").build();

        assertThat(settings.destTable()).isEqualTo(new TableName("public", "Odd.Log"));
        assertThat(settings.partMode()).isEqualTo(PartMode.DATE_FIELD);
        assertThat(settings.period()).isEqualTo(Period.DAY);
        assertThat(settings.timeZone().normalized()).isEqualTo(ZoneOffset.UTC);
        assertThat(settings.oldest().on(TODAY)).isEqualTo("1970-01-01");
        assertThat(settings.newest().on(TODAY)).isEqualTo("2027-10-02");
        assertThat(settings.partTemplate()).isNull();
    }

    @Test
    void the_events_time_needs_no_column() {
        assertThat(PartitionSettings.builder("t").partField("_EVTIME").build().partMode())
                .isEqualTo(PartMode.EVENT_TIME);
        assertThat(PartitionSettings.builder("t").partField("_EVTIME").build().partField())
                .isNull();
        assertThat(PartitionSettings.builder("t").partMode("batch_time").build().partMode())
                .isEqualTo(PartMode.BATCH_TIME);
    }

    @Test
    void the_window_is_given_by_dates_or_distances() {
        PartitionSettings settings = PartitionSettings.builder("t")
                .partField("day")
                .oldest("P3M")
                .newest("2999-12-31")
                .build();

        assertThat(settings.oldest().on(TODAY)).isEqualTo("2026-07-02");
        assertThat(settings.newest().on(TODAY)).isEqualTo("2999-12-31");
        assertThat(PartitionSettings.builder("t")
                        .partField("day")
                        .newest("P999999Y")
                        .build()
                        .newest()
                        .on(TODAY))
                .isEqualTo("9999-12-31");
    }

    @Test
    void retention_is_refused_where_it_could_not_work() {
        assertThatThrownBy(() -> PartitionSettings.builder("t")
                        .partField("day")
                        .retentionPeriod("a while")
                        .retention("burn")
                        .ahead(-1)
                        .build())
                .hasMessageContaining("retentionPeriod = a while: must be a time longer than nothing")
                .hasMessageContaining("retention = burn: must be drop or detach")
                .hasMessageContaining("ahead = -1: must be a number of periods from 0 to 1000");
        assertThatThrownBy(() -> PartitionSettings.builder("t")
                        .partField("day")
                        .ignoreOldEvents(true)
                        .build())
                .hasMessageContaining("ignoreOldEvents needs retentionPeriod");
        assertThatThrownBy(() -> PartitionSettings.builder("t")
                        .partField("day")
                        .retentionPeriod("30 days")
                        .retention("detach")
                        .build())
                .hasMessageContaining("retention = detach needs ignoreOldEvents = true");
    }

    @Test
    void all_problems_are_named_at_once() {
        assertThatThrownBy(() -> PartitionSettings.builder("orders")
                        .partMode("date_field")
                        .period("decade")
                        .timeZone("Mars/Olympus")
                        .oldest("last year")
                        .newest("P-1Y")
                        .partTemplate("create table _DEST_TABLE (); commit")
                        .build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("partMode = date_field needs partField")
                .hasMessageContaining("period = decade: must be hour, day, week, month or year")
                .hasMessageContaining("timeZone = Mars/Olympus: must be a zone")
                .hasMessageContaining("oldest = last year: must be a date")
                .hasMessageContaining("newest = P-1Y: must be a date")
                .hasMessageContaining("partTemplate: COMMIT is refused");
    }

    @Test
    void contradictions_are_named() {
        assertThatThrownBy(() -> PartitionSettings.builder(" ").build())
                .hasMessageContaining("destTable is missing")
                .hasMessageContaining("partField is missing");
        assertThatThrownBy(() ->
                        PartitionSettings.builder(".orders").partField("d").build())
                .hasMessageContaining("must be a table's name");
        assertThatThrownBy(() -> PartitionSettings.builder("t")
                        .partField("day")
                        .partMode("batch_time")
                        .build())
                .hasMessageContaining("partField = day has no meaning");
        assertThatThrownBy(() -> PartitionSettings.builder("t")
                        .partField("day")
                        .oldest("2026-01-01")
                        .newest("2025-01-01")
                        .build())
                .hasMessageContaining("oldest = 2026-01-01 is after newest = 2025-01-01");
    }

    @Test
    void names_that_postgresql_would_cut_are_refused() {
        String fits = "t".repeat(63 - "_2026_10_02".length());

        assertThatCode(() -> PartitionSettings.builder(fits).partField("day").build())
                .doesNotThrowAnyException();
        assertThatThrownBy(() ->
                        PartitionSettings.builder(fits + "t").partField("day").build())
                .hasMessageContaining("a partition such as " + fits + "t_2026_10_02 has 64 bytes");
        assertThatThrownBy(() -> PartitionSettings.builder("ö".repeat(27))
                        .partField("day")
                        .build())
                .hasMessageContaining("has 65 bytes");
        assertThatCode(() -> PartitionSettings.builder(fits + "t")
                        .partField("day")
                        .period("month")
                        .build())
                .doesNotThrowAnyException();
    }
}

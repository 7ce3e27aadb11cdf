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
        PartitionSettings settings = new PartitionOptions("public.Odd.Log")
                .with(o -> o.partField = "day")
                .settings();

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
        assertThat(new PartitionOptions("t")
                        .with(o -> o.partField = "_EVTIME")
                        .settings()
                        .partMode())
                .isEqualTo(PartMode.EVENT_TIME);
        assertThat(new PartitionOptions("t")
                        .with(o -> o.partField = "_EVTIME")
                        .settings()
                        .partField())
                .isNull();
        assertThat(new PartitionOptions("t")
                        .with(o -> o.partMode = "batch_time")
                        .settings()
                        .partMode())
                .isEqualTo(PartMode.BATCH_TIME);
    }

    @Test
    void the_window_is_given_by_dates_or_distances() {
        PartitionSettings settings = new PartitionOptions("t")
                .with(o -> {
                    o.partField = "day";
                    o.oldest = "P3M";
                    o.newest = "2999-12-31";
                })
                .settings();

        assertThat(settings.oldest().on(TODAY)).isEqualTo("2026-07-02");
        assertThat(settings.newest().on(TODAY)).isEqualTo("2999-12-31");
        assertThat(new PartitionOptions("t")
                        .with(o -> {
                            o.partField = "day";
                            o.newest = "P999999Y";
                        })
                        .settings()
                        .newest()
                        .on(TODAY))
                .isEqualTo("9999-12-31");
    }

    @Test
    void retention_is_refused_where_it_could_not_work() {
        assertThatThrownBy(() -> new PartitionOptions("t")
                        .with(o -> {
                            o.partField = "day";
                            o.retentionPeriod = "a while";
                            o.retention = "burn";
                            o.ahead = -1;
                        })
                        .settings())
                .hasMessageContaining("retentionPeriod = a while: must be a time longer than nothing")
                .hasMessageContaining("retention = burn: must be drop or detach")
                .hasMessageContaining("ahead = -1: must be a number of periods from 0 to 1000");
        assertThatThrownBy(() -> new PartitionOptions("t")
                        .with(o -> {
                            o.partField = "day";
                            o.ignoreOldEvents = true;
                        })
                        .settings())
                .hasMessageContaining("ignoreOldEvents needs retentionPeriod");
        assertThatThrownBy(() -> new PartitionOptions("t")
                        .with(o -> {
                            o.partField = "day";
                            o.retentionPeriod = "30 days";
                            o.retention = "detach";
                        })
                        .settings())
                .hasMessageContaining("retention = detach needs ignoreOldEvents = true");
    }

    @Test
    void all_problems_are_named_at_once() {
        assertThatThrownBy(() -> new PartitionOptions("orders")
                        .with(o -> {
                            o.partMode = "date_field";
                            o.period = "decade";
                            o.timeZone = "Mars/Olympus";
                            o.oldest = "last year";
                            o.newest = "P-1Y";
                            o.partTemplate = "create table _DEST_TABLE (); commit";
                        })
                        .settings())
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
        assertThatThrownBy(() -> new PartitionOptions(" ").settings())
                .hasMessageContaining("destTable is missing")
                .hasMessageContaining("partField is missing");
        assertThatThrownBy(() -> new PartitionOptions(".orders")
                        .with(o -> o.partField = "d")
                        .settings())
                .hasMessageContaining("must be a table's name");
        assertThatThrownBy(() -> new PartitionOptions("t")
                        .with(o -> {
                            o.partField = "day";
                            o.partMode = "batch_time";
                        })
                        .settings())
                .hasMessageContaining("partField = day has no meaning");
        assertThatThrownBy(() -> new PartitionOptions("t")
                        .with(o -> {
                            o.partField = "day";
                            o.oldest = "2026-01-01";
                            o.newest = "2025-01-01";
                        })
                        .settings())
                .hasMessageContaining("oldest = 2026-01-01 is after newest = 2025-01-01");
    }

    @Test
    void names_that_postgresql_would_cut_are_refused() {
        String fits = "t".repeat(63 - "_2026_10_02".length());

        assertThatCode(() -> new PartitionOptions(fits)
                        .with(o -> o.partField = "day")
                        .settings())
                .doesNotThrowAnyException();
        assertThatThrownBy(() -> new PartitionOptions(fits + "t")
                        .with(o -> o.partField = "day")
                        .settings())
                .hasMessageContaining("a partition such as " + fits + "t_2026_10_02 has 64 bytes");
        assertThatThrownBy(() -> new PartitionOptions("ö".repeat(27))
                        .with(o -> o.partField = "day")
                        .settings())
                .hasMessageContaining("has 65 bytes");
        assertThatCode(() -> new PartitionOptions(fits + "t")
                        .with(o -> {
                            o.partField = "day";
                            o.period = "month";
                        })
                        .settings())
                .doesNotThrowAnyException();
    }
}

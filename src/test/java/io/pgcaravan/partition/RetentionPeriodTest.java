package io.pgcaravan.partition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.time.ZoneId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How long partitions are kept is said in words or as ISO 8601, and counted on the calendar. */
class RetentionPeriodTest {

    @ParameterizedTest
    @CsvSource({
        "30 days, 2024-03-01T12:00:00Z",
        "1 day, 2024-03-30T12:00:00Z",
        "2 weeks, 2024-03-17T12:00:00Z",
        "1 month, 2024-02-29T12:00:00Z",
        "1 mon, 2024-02-29T12:00:00Z",
        "1 year 1 month, 2023-02-28T12:00:00Z",
        "36 hours, 2024-03-30T00:00:00Z",
        "1 Day 12 Hours, 2024-03-30T00:00:00Z",
        "P30D, 2024-03-01T12:00:00Z",
        "P1M, 2024-02-29T12:00:00Z",
        "p2w, 2024-03-17T12:00:00Z",
        "PT36H, 2024-03-30T00:00:00Z",
        "P1DT12H, 2024-03-30T00:00:00Z"
    })
    void a_period_is_counted_back_from_now(String text, Instant expected) {
        assertThat(RetentionPeriod.parse(text).before(Instant.parse("2024-03-31T12:00:00Z"), ZoneId.of("UTC")))
                .isEqualTo(expected);
    }

    @Test
    void a_day_is_as_long_as_the_time_zone_has_it() {
        assertThat(RetentionPeriod.parse("1 day")
                        .before(Instant.parse("2024-03-31T12:00:00Z"), ZoneId.of("Europe/Riga")))
                .as("the clocks went forward that night")
                .isEqualTo("2024-03-30T13:00:00Z");
    }

    @Test
    void a_period_longer_than_time_makes_nothing_old() {
        assertThat(RetentionPeriod.parse("P999999999Y999999999M").before(Instant.EPOCH, ZoneId.of("UTC")))
                .isEqualTo(Instant.MIN);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "30",
                "days",
                "30 days ago",
                "0 days",
                "-1 day",
                "P0D",
                "P-1D",
                "1 fortnight",
                "P",
                "1.5 days"
            })
    void what_is_no_period_is_refused(String text) {
        assertThatThrownBy(() -> RetentionPeriod.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("such as 30 days");
    }
}

package io.pgcaravan.partition;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.LocalDate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Dates and timestamps in PostgreSQL's ISO style are read from bytes, and nothing else is. */
class DateTextTest {

    private final DateText read = new DateText();

    private String read(String value) {
        byte[] bytes = ("<" + value + ">").getBytes(StandardCharsets.UTF_8);
        return read.read(bytes, 1, bytes.length - 1);
    }

    @Test
    void every_date_of_the_calendar_is_read() {
        for (LocalDate day = LocalDate.of(1, 1, 1); day.getYear() < 10_000; day = day.plusDays(1)) {
            assertThat(read(day.toString())).isNull();
            if (read.epochDay != day.toEpochDay()) {
                assertThat(read.epochDay).as(day.toString()).isEqualTo((int) day.toEpochDay());
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "2026-10-02 05:04:03,           18243000000,",
        "2026-10-02T05:04:03,           18243000000,",
        "2026-10-02 05:04,              18240000000,",
        "2026-10-02 05:04:03.5,         18243500000,",
        "2026-10-02 05:04:03.123456,    18243123456,",
        "2026-10-02 05:04:03.1234565,   18243123457,",
        "2026-10-02 23:59:59.9999999,   86400000000,",
        "2026-10-02 24:00:00,           86400000000,",
        "2026-10-02 23:59:60,           86400000000,",
        "2026-10-02 05:04:03Z,          18243000000, 0",
        "2026-10-02 05:04:03+02,        18243000000, 7200",
        "2026-10-02 05:04:03.25-02:30,  18243250000, -9000",
        "2026-10-02 05:04:03+0530,      18243000000, 19800",
        "1890-10-02 05:04:03+01:36:34,  18243000000, 5794",
        "2026-10-02 05:04+03,           18240000000, 10800"
    })
    void times_and_offsets_are_read(String value, long micros, Integer offset) {
        assertThat(read(value)).isNull();
        assertThat(read.microsOfDay).isEqualTo(micros);
        assertThat(read.offsetSeconds).isEqualTo(offset == null ? DateText.NO_OFFSET : offset);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "02/01/2026 05:04 EET",
                "2026-10-02 05:04:03 EET",
                "02-10-2026",
                "02.10.2026",
                "2026-1-2",
                "20261002",
                "2026-10-02x",
                "2026-10-02 ",
                " 2026-10-02",
                "2026-10-02 05",
                "2026-10-02 05:",
                "2026-10-02 05:04:",
                "2026-10-02 05:04:0",
                "2026-10-02 0x:04:03",
                "2026-10-02 05:04:03+",
                "2026-10-02 05:04:03+2",
                "2026-10-02 05:04:03+02:",
                "2026-10-02 05:04:03+02:3",
                "2026-10-02 05:04:03+16",
                "2026-10-02 05:04:03+02 and more",
                "2026-10-02 05:04:03Zulu",
                "2026-10-02Z",
                "/:/:-1:-0/",
                "now",
                "yesterday",
                "Fri Oct 02 05:04:03 2026 EET",
                "2026‐10‐02",
            })
    void other_styles_and_garbage_are_refused(String value) {
        assertThat(read(value)).contains("not an ISO date");
    }

    @ParameterizedTest
    @CsvSource({
        "2026-02-30, invalid date",
        "2026-02-29, invalid date",
        "1900-02-29, invalid date",
        "2026-13-01, invalid date",
        "2026-00-01, invalid date",
        "2026-01-00, invalid date",
        "0000-00-00, invalid date",
        "2026-10-02 25:00:00, invalid time",
        "2026-10-02 24:00:01, invalid time",
        "2026-10-02 05:60:00, invalid time",
        "infinity, infinity",
        "-infinity, infinity",
        "0044-03-15 BC, before Christ",
        "0044-03-15 05:04:03 BC, before Christ",
        "52217-01-01, years past 9999",
        "52217-01-01 05:04:03+00, years past 9999",
        "'', empty"
    })
    void impossible_values_are_refused_with_their_reason(String value, String reason) {
        assertThat(read(value)).contains(reason);
    }
}

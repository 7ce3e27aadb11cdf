package io.pgcaravan.skytools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;

/** What londiste's dispatch handler and queue_loader were told is what the steps are told. */
class HandlerArgumentsTest {

    @Test
    void every_argument_of_dispatch_has_its_option() {
        HandlerArguments job = HandlerArguments.dispatch(
                "public.orders",
                Map.ofEntries(
                        Map.entry("table_mode", "part"),
                        Map.entry("part_func", "admin.make"),
                        Map.entry("part_mode", "date_field"),
                        Map.entry("part_field", "created_at"),
                        Map.entry("period", "month"),
                        Map.entry("part_name", "%(parent)s_%(year)s_%(month)s"),
                        Map.entry("row_mode", "keep_latest"),
                        Map.entry("event_types", "i,u"),
                        Map.entry("load_mode", "bulk"),
                        Map.entry("method", "2"),
                        Map.entry("fields", "id,created_at"),
                        Map.entry("skip_fields", "note"),
                        Map.entry("table", "archive.orders"),
                        Map.entry("pre_part", "select 5 %% 2"),
                        Map.entry("post_part", "grant select on %(dest)s to public"),
                        Map.entry("retention_period", "3 months"),
                        Map.entry("ignore_old_events", "1"),
                        Map.entry("ignore_truncate", "1"),
                        Map.entry("encoding", "utf8"),
                        Map.entry("analyze", "1")));

        assertThat(job.table()).isEqualTo("archive.orders");
        assertThat(job.ignored()).isFalse();
        assertThat(job.decode())
                .isEqualTo(Map.of(
                        "fields", "id,created_at", "skipFields", "note", "eventTypes", "I, U, R", "encoding", "utf8"));
        assertThat(job.partition())
                .isEqualTo(Map.of(
                        "partMode", "date_field",
                        "partField", "created_at",
                        "period", "month",
                        "partName", "%(parent)s_%(year)s_%(month)s",
                        "partFunc", "admin.make",
                        "prePart", "select 5 % 2",
                        "postPart", "grant select on %(dest)s to public",
                        "retentionPeriod", "3 months",
                        "ignoreOldEvents", "true"));
        assertThat(job.load())
                .isEqualTo(Map.of(
                        "rowMode", "keep_latest",
                        "loadMode", "bulk",
                        "method", "2",
                        "onTruncate", "ignore",
                        "analyze", "true"));
        assertThat(job.notes()).isEmpty();
    }

    @Test
    void the_defaults_are_londistes() {
        HandlerArguments job = HandlerArguments.parse("orders", "dispatch");

        assertThat(job.partition()).isEqualTo(Map.of("partMode", "batch_time", "period", "day"));
        assertThat(job.load()).isEqualTo(Map.of("rowMode", "plain", "onTruncate", "apply"));
        assertThat(job.decode()).isEmpty();
    }

    @Test
    void handlers_with_other_defaults_are_known_by_their_names() {
        assertThat(HandlerArguments.parse("orders", "bulk_monthly_field(part_field=day)")
                        .partition())
                .isEqualTo(Map.of("partMode", "date_field", "partField", "day", "period", "month"));
        assertThat(HandlerArguments.parse("orders", "hourly_event").load()).containsEntry("rowMode", "keep_latest");
        assertThat(HandlerArguments.parse("orders", "bulk_direct").partition())
                .isEqualTo(Map.of("tableMode", "direct"));
        assertThat(HandlerArguments.parse("orders", "dispatch(table_mode=ignore)")
                        .ignored())
                .isTrue();
    }

    @Test
    void arguments_are_read_as_londiste_stores_them_and_as_people_write_them() {
        Map<String, String> stored = HandlerArguments.parse(
                        "orders",
                        "dispatch(part_mode=date_field&part_field=day&part_name=%25%28parent%29s_%25%28year%29s"
                                + "&retention_period=1+year)")
                .partition();
        Map<String, String> written = HandlerArguments.parse(
                        "orders",
                        "dispatch(part_mode=date_field, part_field=day, part_name=%(parent)s_%(year)s,"
                                + " retention_period=1 year)")
                .partition();

        assertThat(stored).isEqualTo(written).containsEntry("partName", "%(parent)s_%(year)s");
        assertThat(HandlerArguments.parse(
                                "orders",
                                "dispatch(fields=id,day:at, part_template=create table %(dest)s (a int, b int))")
                        .partition())
                .containsEntry("partTemplate", "create table %(dest)s (a int, b int)");
    }

    @Test
    void the_name_decides_where_it_contradicts_the_period() {
        HandlerArguments job =
                HandlerArguments.parse("orders", "dispatch(period=day, part_name=%(parent)s_%(year)s_%(month)s)");

        assertThat(job.partition()).containsEntry("period", "month");
        assertThat(job.notes()).singleElement().asString().contains("a partition for each month");
    }

    @Test
    void queue_loaders_keys_become_the_same_options() {
        HandlerArguments job = HandlerArguments.queueLoader(
                "public.orders",
                Map.of(
                        "table_mode", "split",
                        "split_mode", "by-date-field:day",
                        "split_part", "%%(table_name)s_%%(year)s_%%(month)s",
                        "split_part_template", "create table %%(part)s () inherits (%%(parent)s)",
                        "row_mode", "bulk",
                        "bulk_mode", "merged"));

        assertThat(job.partition())
                .isEqualTo(Map.of(
                        "partMode", "date_field",
                        "partField", "day",
                        "period", "month",
                        "partName", "%(parent)s_%(year)s_%(month)s",
                        "partTemplate", "create table %(part)s () inherits (%(parent)s)"));
        assertThat(job.load()).isEqualTo(Map.of("rowMode", "plain", "loadMode", "bulk", "method", "2"));
        assertThat(HandlerArguments.queueLoader("orders", Map.of()).ignored())
                .as("queue_loader's default")
                .isTrue();
        assertThat(HandlerArguments.queueLoader("orders", Map.of("table_mode", "direct", "row_mode", "keep_latest"))
                        .decode())
                .as("its keep_latest ignores deletes")
                .containsEntry("eventTypes", "I, U");
    }

    @Test
    void all_mistakes_are_listed() {
        assertThatThrownBy(() -> HandlerArguments.parse(
                        "orders",
                        "dispatch(part_mode=date_field, period=decade, part_nam=x, method=4, row_mode=append,"
                                + " event_types=I,X, ignore_truncate=yes)"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("7 mistakes")
                .hasMessageContaining("period = decade: must be one of hour, day, month, year")
                .hasMessageContaining("needs part_field")
                .hasMessageContaining("method = 4")
                .hasMessageContaining("row_mode = append: must be one of plain, keep_all, keep_latest")
                .hasMessageContaining("\"X\" must be I, U or D")
                .hasMessageContaining("ignore_truncate");
        assertThatThrownBy(() -> HandlerArguments.dispatch("orders", Map.of("part_nam", "x")))
                .hasMessageContaining("part_nam is unknown; did you mean part_name?");
        assertThatThrownBy(() -> HandlerArguments.parse("orders", "qtable")).hasMessageContaining("known are dispatch");
        assertThatThrownBy(() -> HandlerArguments.parse("orders", "dispatch(part_name=%(parent)s_%(week)s)"))
                .hasMessageContaining("%(week)s is unknown")
                .hasMessageContaining("table_mode = direct");
    }
}

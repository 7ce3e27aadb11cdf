package io.pgcaravan.row;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;

import io.pgcaravan.batch.Event;
import io.pgcaravan.batch.OpenBatch;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Instant;
import org.junit.jupiter.api.Test;

/** A row is a map to the steps of a route, which may change it. */
class RowChangeTest {

    private final UrlEncodedRows rows = new UrlEncodedRows(RowSelection.ALL);

    @Test
    void a_row_reads_as_a_map_in_column_order() throws SQLException {
        RowChange row = row("id=1&note&name=a+b");

        assertThat(row).containsExactly(entry("id", "1"), entry("note", null), entry("name", "a b"));
        assertThat(row.containsKey("note")).isTrue();
        assertThat(row.containsKey("Note")).isFalse();
        assertThat(row.get(1)).isNull();
    }

    @Test
    void a_changed_value_leaves_the_event_and_the_other_columns_alone() throws SQLException {
        RowChange row = row("id=1&note=x&name=y");

        assertThat(row.put("note", "日本")).isEqualTo("x");
        assertThat(row.put("name", null)).isEqualTo("y");
        assertThat(row.put("id", 12)).isEqualTo("1");

        assertThat(row).containsExactly(entry("id", "12"), entry("note", "日本"), entry("name", null));
        assertThat(row.event().data()).isEqualTo("id=1&note=x&name=y");
    }

    @Test
    void rows_that_gain_the_same_columns_still_share_their_list() throws SQLException {
        RowChange first = row("id=1");
        RowChange second = row("id=2");
        for (RowChange row : new RowChange[] {first, second}) {
            assertThat(row.put("country", "EE")).isNull();
            row.put("vat", null);
        }

        assertThat(first).containsExactly(entry("id", "1"), entry("country", "EE"), entry("vat", null));
        assertThat(second.columns()).isSameAs(first.columns());
        assertThat(row("id=3").columns().names()).containsExactly("id");
    }

    private RowChange row(String data) throws SQLException {
        OpenBatch batch = new OpenBatch(null, null, StandardCharsets.UTF_8, (open, bad) -> {
            throw bad;
        });
        return rows.decode(batch, Event.of(1, Instant.EPOCH, "I:id", data));
    }
}

package io.pgcaravan.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pgcaravan.batch.RowAccount.Branch;
import io.pgcaravan.batch.RowAccount.Entry;
import io.pgcaravan.sql.TableName;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** What an account takes for settled, and what it refuses. */
class RowAccountTest {

    private static final TableName ORDERS = TableName.parse("public.orders");
    private static final TableName LOG = TableName.parse("log");

    private final RowAccount account = new RowAccount("batch 1", false, false);
    private final List<Event> events = events(1, 3);

    private static List<Event> events(long from, long to) {
        return LongStream.rangeClosed(from, to)
                .mapToObj(id -> Event.of(id, Instant.EPOCH, "I:id", "id=" + id))
                .toList();
    }

    @Test
    void an_event_without_a_fate_fails_the_batch_and_is_named() {
        account.handOut(events);
        account.load(events.get(0), ORDERS);
        account.leaveOut(events.get(2), "late");
        assertThatIllegalStateException()
                .isThrownBy(account::close)
                .withMessageContaining("1 row of batch 1 was not loaded")
                .withMessageContaining("event 2 (I:id)");
    }

    @Test
    void a_table_that_a_step_named_has_to_get_the_row() {
        account.handOut(events);
        for (Event event : events) {
            account.oblige(event, ORDERS);
            account.load(event, event == events.get(1) ? LOG : ORDERS);
        }
        assertThatIllegalStateException()
                .isThrownBy(account::close)
                .withMessageContaining("not loaded into public.orders")
                .withMessageContaining("event 2");
    }

    @Test
    void a_name_without_its_schema_means_the_same_table() {
        account.handOut(events);
        for (Event event : events) {
            account.oblige(event, TableName.parse("orders"));
            account.load(event, ORDERS);
        }
        account.close();
        assertThat(account.totals()).isEqualTo(Map.of("loaded into public.orders", 3L));
    }

    @Test
    void a_row_that_comes_to_its_load_step_again_is_refused() {
        account.handOut(events);
        account.load(events.get(0), ORDERS);
        account.load(events.get(0), LOG);
        assertThatIllegalStateException()
                .isThrownBy(() -> account.load(events.get(0), ORDERS))
                .withMessageContaining("twice");
    }

    @Test
    void each_branch_and_each_part_needs_a_fate_of_its_own() {
        account.handOut(events);
        Branch first = new Branch(null, "first");
        Branch second = new Branch(null, "second");
        for (Event event : events) {
            account.enter(first);
            account.enters(event);
            account.load(event, ORDERS);
            account.enter(second);
            account.enters(event);
            if (event == events.get(0)) {
                account.leaveOut(event, "late");
            } else if (event == events.get(1)) {
                Entry part = account.divide(event);
                account.load(part, LOG);
                account.load(account.divide(event), LOG);
            }
        }
        assertThatIllegalStateException()
                .isThrownBy(account::close)
                .withMessageContaining("1 row of")
                .withMessageContaining("in branch \"second\"")
                .withMessageContaining("event 3");
        account.load(events.get(2), LOG);
        account.close();
        assertThat(account.totals())
                .isEqualTo(Map.of("loaded into public.orders", 3L, "loaded into log", 3L, "left out: late", 1L));
    }

    @Test
    void a_row_that_one_branch_leaves_out_still_needs_a_fate_in_the_other() {
        account.handOut(events);
        Branch first = new Branch(null, "first");
        Branch second = new Branch(null, "second");
        for (Event event : events) {
            account.enter(null);
            account.oblige(event, ORDERS);
            account.enter(first);
            account.enters(event);
            account.leaveOut(event, "late");
            account.enter(second);
            account.enters(event);
            if (event != events.get(2)) {
                account.load(event, event == events.get(0) ? ORDERS : LOG);
            }
        }
        assertThatIllegalStateException()
                .isThrownBy(account::close)
                .withMessageContaining("1 row of")
                .withMessageContaining("in branch \"second\"")
                .withMessageContaining("event 3");
    }

    @Test
    void many_reasons_to_leave_rows_out_are_told_as_others() {
        List<Event> many = events(1, 50);
        account.handOut(many);
        many.forEach(event -> account.leaveOut(event, new RowAccount.Dismissal("order " + event.id())));
        assertThatIllegalStateException()
                .isThrownBy(() -> account.load(many.get(49), ORDERS))
                .withMessageContaining("was left out (other)");
        account.close();
        assertThat(account.totals()).hasSize(21).containsEntry("left out: other", 30L);
        assertThat(new RowAccount.Dismissal("x".repeat(1000)).reason()).hasSize(103);
    }

    @Test
    void a_part_that_is_left_fails_the_batch() {
        account.handOut(events);
        events.forEach(event -> account.oblige(event, ORDERS));
        account.load(account.divide(events.get(0)), ORDERS);
        account.divide(events.get(0));
        account.load(events.get(1), ORDERS);
        account.load(events.get(2), ORDERS);
        assertThatIllegalStateException().isThrownBy(account::close).withMessageContaining("a part of event 1");
    }

    @Test
    void a_dead_letter_is_in_no_table() {
        account.handOut(events);
        BadRowException bad = new BadRowException(events.get(0), "bad");
        account.load(events.get(0), ORDERS);
        assertThatThrownBy(() -> account.bury(bad)).isSameAs(bad);
        account.reopen(events);
        account.handOut(events);
        account.bury(bad);
        assertThatThrownBy(() -> account.load(events.get(0), ORDERS)).isSameAs(bad);
        account.load(events.get(1), ORDERS);
        account.load(events.get(2), ORDERS);
        account.close();
        assertThat(account.totals()).isEqualTo(Map.of("dead letters", 1L, "loaded into public.orders", 2L));
    }

    @Test
    void an_event_of_another_batch_is_refused() {
        new RowAccount("batch 0", false, false).handOut(events);
        account.handOut(events(4, 5));
        assertThatIllegalStateException()
                .isThrownBy(() -> account.load(events.get(0), ORDERS))
                .withMessageContaining("no event of batch 1");
    }

    @Test
    void rows_that_a_table_refuses_are_not_loaded() {
        account.handOut(events);
        events.forEach(event -> account.load(event, ORDERS));
        account.refuse(ORDERS, 2);
        account.close();
        assertThat(account.totals()).isEqualTo(Map.of("loaded into public.orders", 1L, "refused by public.orders", 2L));
    }

    @Test
    void the_rows_of_settled_chunks_are_forgotten_and_counted() {
        for (int chunk = 0; chunk < 1000; chunk++) {
            List<Event> some = events(chunk * 100L, chunk * 100L + 99);
            account.handOut(some);
            some.forEach(event -> {
                account.oblige(event, ORDERS);
                account.load(event, ORDERS);
            });
        }
        account.close();
        assertThat(account.totals()).isEqualTo(Map.of("loaded into public.orders", 100_000L));
    }
}

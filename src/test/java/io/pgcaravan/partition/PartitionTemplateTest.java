package io.pgcaravan.partition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pgcaravan.sql.TableName;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A template's words are replaced, quoted as their place needs it, and it cannot end the batch's transaction. */
class PartitionTemplateTest {

    private static String expand(String template) {
        return expand(template, new TableName("public", "orders_2026_10_02"));
    }

    private static String expand(String template, TableName partition) {
        return PartitionTemplate.parse(template)
                .expand(new PartitionTemplate.Values(
                        partition,
                        new TableName("public", "orders"),
                        partition,
                        List.of("id", "Part"),
                        "created At",
                        "2026-10-02 00:00:00",
                        Period.DAY));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        create table _DEST_TABLE (like _PARENT) | create table "public"."orders_2026_10_02" (like "public"."orders")
        add constraint _DEST_TABLE_pkey primary key (_PKEY) | add constraint "orders_2026_10_02_pkey" primary key ("id", "Part")
        create index _SCHEMA_TABLE_i on _DEST_TABLE (day) | create index "public__orders_2026_10_02_i" on "public"."orders_2026_10_02" (day)
        create index idx_DEST_TABLE on t | create index "idxorders_2026_10_02" on t
        create index "_DEST_TABLE idx" on t | create index "orders_2026_10_02 idx" on t
        comment on x is 'part of _PARENT' | comment on x is 'part of "public"."orders"'
        do $$ select '_DEST_TABLE' $$ | do $$ select '"public"."orders_2026_10_02"' $$
        select 5 % 3, '%s', "_dest_table" | select 5 % 3, '%s', "_dest_table"
        """)
    void placeholders_are_replaced(String template, String sql) {
        assertThat(expand(template)).isEqualTo(sql);
    }

    @Test
    void odd_names_are_quoted_where_they_stand() {
        TableName odd = new TableName("My S", "It's \"odd\"_2026");

        assertThat(expand("select '_DEST_TABLE', \"_DEST_TABLE_x\", _DEST_TABLE_y from _DEST_TABLE", odd))
                .isEqualTo("select '\"My S\".\"It''s \"\"odd\"\"_2026\"', \"It's \"\"odd\"\"_2026_x\","
                        + " \"It's \"\"odd\"\"_2026_y\" from \"My S\".\"It's \"\"odd\"\"_2026\"");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "commit",
                "create table _DEST_TABLE (); COMMIT;",
                "begin; create table _DEST_TABLE ()",
                "create table _DEST_TABLE ();\n-- then\nEnd",
                "/* x */ Rollback",
                "start transaction",
                "abort",
                "savepoint a",
                "release a",
                "prepare transaction 'x'",
                "PREPARE /* y */ TRANSACTION 'x'",
                "vacuum _DEST_TABLE",
                "create index concurrently on _DEST_TABLE (a)",
                "select $a$ ; $a$; commit",
                "select ';' ; commit",
                "select e'\\'; ' ; commit",
                "select 1; ; commit",
            })
    void what_ends_the_transaction_or_cannot_run_in_it_is_refused(String template) {
        assertThatThrownBy(() -> PartitionTemplate.parse(template))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("is refused");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "create table _DEST_TABLE (\"end\" int, \"commit\" text default 'commit; rollback')",
                "create table t (x text); -- commit;",
                "create table t (x text); /* commit; /* nested */ commit; */",
                "create function f() returns int language plpgsql as $$ begin return 1; end $$",
                "select 'it''s; commit'",
                "select e'\\'; commit'",
                "prepare p as select 1",
                "create table t (on_commit int); select case when true then 1 end",
                "select 1e5, $1",
            })
    void harmless_words_are_not(String template) {
        assertThatCode(() -> PartitionTemplate.parse(template)).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @ValueSource(strings = {"select 'x", "select \"x", "select $$ x", "select $a$ x $b$", "/* x", "/* /* x */"})
    void quotes_and_comments_must_end(String template) {
        assertThatThrownBy(() -> PartitionTemplate.parse(template)).hasMessageContaining("has no end");
    }

    @Test
    void a_key_list_needs_a_key() {
        TableName name = new TableName(null, "t");
        assertThatThrownBy(() -> PartitionTemplate.parse("(_PKEY)")
                        .expand(new PartitionTemplate.Values(name, name, name, List.of(), null, null, Period.DAY)))
                .hasMessageContaining("the event names no key columns");
    }

    @Test
    void made_up_names_that_postgresql_would_cut_to_one_are_refused() {
        TableName longest = new TableName("public", "t".repeat(52) + "_2026_10_02");
        TableName shorter = new TableName("public", "t".repeat(50) + "_2026_10_02");

        assertThatThrownBy(() -> expand("create index _DEST_TABLE_i on _DEST_TABLE (a)", longest))
                .hasMessageContaining("the same as " + longest.name());
        assertThatThrownBy(() -> expand("create index _DEST_TABLE_i1; create index _DEST_TABLE_i2", shorter))
                .hasMessageContaining("_i1");
        assertThatCode(() -> expand("create index _DEST_TABLE_a; create index _DEST_TABLE_b", shorter))
                .doesNotThrowAnyException();
    }
}

package io.pgcaravan.skytools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;

/** An ini file is read as Python's ConfigParser reads it. */
class IniTest {

    private static Ini.Section section(String text) {
        return Ini.parse("x.ini", text).section("s", Map.of("job_name", "100% mine"), Map.of("Set", "by %(a)s"));
    }

    @Test
    void values_comments_and_continued_lines_are_read() {
        Ini.Section s = section("""
                # a comment
                ; another
                rem and another
                [s] behind it
                A = 1
                b: 2 = 3
                c=x;y ; a comment
                d = "" ; nothing
                e =
                    first ; no comment
                # between

                    # within
                    ; second
                f:
                g = 'quoted'
                """);
        assertThat(s.get("a")).isEqualTo("1");
        assertThat(s.get("b")).isEqualTo("2 = 3");
        // only the first semicolon counts, and a blank has to be before it
        assertThat(s.get("c")).isEqualTo("x;y ; a comment");
        assertThat(s.get("d")).isEmpty();
        assertThat(s.get("e")).isEqualTo("first ; no comment\n; second");
        assertThat(s.get("f")).isEmpty();
        assertThat(s.get("g")).isEqualTo("'quoted'");
        assertThat(s.get("h")).isNull();
    }

    @Test
    void names_of_other_keys_are_filled_in_as_deep_as_they_go() {
        Ini.Section s = section("""
                [DEFAULT]
                base = /var
                [s]
                a = %(B)s/%(job_name)s
                b = %(base)s/100%%
                c = %%(parent)s
                """);
        assertThat(s.get("a")).isEqualTo("/var/100%/100% mine");
        assertThat(s.get("c")).isEqualTo("%(parent)s");
        assertThat(s.get("set")).isEqualTo("by /var/100%/100% mine");
        assertThat(s.keys()).containsExactlyInAnyOrder("base", "a", "b", "c", "set");
    }

    @Test
    void what_cannot_be_filled_in_is_told_with_its_line() {
        Ini.Section s = section("[s]\na = %(b)s\nb = %(a)s\nc = 5% off\nd = %(nowhere)s\n");
        assertThatThrownBy(() -> s.get("a")).hasMessageContaining("refers to itself");
        assertThatThrownBy(() -> s.get("c")).hasMessageContaining("x.ini line 4: c has a single %");
        assertThatThrownBy(() -> s.get("d")).hasMessageContaining("x.ini line 5: d refers to %(nowhere)s");
    }

    @Test
    void of_a_key_that_is_there_twice_the_last_counts_and_a_warning_names_both_lines() {
        Ini ini = Ini.parse("x.ini", "[s]\na = 1\n[t]\n[s]\na = 2\n");
        assertThat(ini.section("s", Map.of(), Map.of()).get("a")).isEqualTo("2");
        assertThat(ini.warnings()).containsExactly("x.ini line 5: a is set in line 2 too; line 5 is used");
        assertThat(ini.sections()).containsExactly("s", "t");
    }

    @Test
    void lines_that_are_nothing_are_told_all_at_once() {
        assertThatThrownBy(() -> Ini.parse("x.ini", "[s]\n  indented\nnonsense\na = 1\nmore nonsense\n"))
                .isInstanceOf(IniException.class)
                .hasMessageContainingAll("line 2", "line 3", "line 5");
        assertThatThrownBy(() -> Ini.parse("x.ini", "a = 1\n")).hasMessageContaining("missing [section]");
    }
}

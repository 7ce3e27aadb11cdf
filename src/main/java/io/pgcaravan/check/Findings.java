package io.pgcaravan.check;

import io.pgcaravan.check.Finding.Level;
import java.util.ArrayList;
import java.util.List;

/** What a check has found so far, in the order of its steps. */
final class Findings {

    private final List<Finding> all = new ArrayList<>();

    void ok(String said) {
        all.add(new Finding(Level.OK, said));
    }

    void warning(String said) {
        all.add(new Finding(Level.WARNING, said));
    }

    void problem(String said) {
        all.add(new Finding(Level.PROBLEM, said));
    }

    List<Finding> all() {
        return List.copyOf(all);
    }
}

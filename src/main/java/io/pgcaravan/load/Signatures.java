package io.pgcaravan.load;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Which columns a net row has: columns that always come together are one group, a digit each in its signature. */
final class Signatures {

    /** @param sets numbers of the sets that have these columns */
    record Columns(List<String> names, List<Integer> sets) {}

    private final List<Columns> groups = new ArrayList<>();
    private final List<String> key;
    private final boolean uniform;

    Signatures(List<List<String>> sets, List<String> key) {
        this.key = key;
        this.uniform = sets.size() <= 1;
        Map<String, List<Integer>> setsOf = new LinkedHashMap<>();
        for (int set = 0; set < sets.size(); set++) {
            for (String column : sets.get(set)) {
                if (!key.contains(column)) {
                    setsOf.computeIfAbsent(column, any -> new ArrayList<>()).add(set);
                }
            }
        }
        Map<List<Integer>, List<String>> bySets = new LinkedHashMap<>();
        setsOf.forEach((column, in) ->
                bySets.computeIfAbsent(in, any -> new ArrayList<>()).add(column));
        bySets.forEach((in, names) -> groups.add(new Columns(names, in)));
    }

    List<Columns> groups() {
        return groups;
    }

    /** Whether all changes have the same columns, so that every row's signature is {@code 1}. */
    boolean uniform() {
        return uniform;
    }

    List<String> columns(String signature) {
        List<String> columns = new ArrayList<>(key);
        for (int g = 0; g < groups.size(); g++) {
            if (uniform || signature.charAt(g) == '1') {
                columns.addAll(groups.get(g).names());
            }
        }
        return columns;
    }
}

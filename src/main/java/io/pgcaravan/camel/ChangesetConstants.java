package io.pgcaravan.camel;

import org.apache.camel.spi.Metadata;

/** Headers of {@code pg-change-set:} steps. */
public final class ChangesetConstants {

    @Metadata(
            description = "export, import: the names of the sets that were published or are in their tables, such as"
                    + " public.orders.000000000042",
            javaType = "java.util.List<String>")
    public static final String SETS = "CamelChangesetSets";

    private ChangesetConstants() {}
}

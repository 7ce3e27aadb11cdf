package io.pgcaravan.bench;

import picocli.CommandLine.Command;

/** {@code caravan bench}: measures on a throw-away server, beside a limit or a goal of the same run. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        description = "Measures pgcaravan on a throw-away PostgreSQL server of this machine.",
        synopsisSubcommandLabel = "BENCHMARK",
        subcommands = {BenchDispatch.class, BenchLatency.class, BenchShip.class})
public final class Bench {}

package io.pgcaravan.bench;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code caravan bench}: measures on a throw-away server, beside a limit or a goal of the same run. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        description = "Measures pgcaravan on a throw-away PostgreSQL server of this machine.",
        synopsisSubcommandLabel = "BENCHMARK",
        subcommands = {BenchDispatch.class, BenchLatency.class, BenchShip.class})
public final class Bench implements Runnable {

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "which benchmark?");
    }
}

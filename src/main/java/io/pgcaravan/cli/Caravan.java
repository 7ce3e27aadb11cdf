package io.pgcaravan.cli;

import io.pgcaravan.app.ConfigurationException;
import io.pgcaravan.app.PlainWriter;
import io.pgcaravan.app.Version;
import io.pgcaravan.bench.Bench;
import io.pgcaravan.database.Secrets;
import io.pgcaravan.demo.Demo;
import io.pgcaravan.skytools.IniException;
import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/** {@code caravan COMMAND}: exit codes are 0 done, 1 failed, 2 bad usage or configuration. */
@Command(
        name = "caravan",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        description = "Moves PostgreSQL rows between databases, as Apache Camel routes that people edit.",
        synopsisSubcommandLabel = "COMMAND",
        exitCodeListHeading = "Exit codes:%n",
        exitCodeList = {
            "0:done; also where there was nothing to do, or it was done already",
            "1:failed: a problem was found, something is damaged, incomplete or missing, a database refused it",
            "2:bad usage or configuration; nothing was begun"
        })
public final class Caravan implements Runnable {

    private static final List<Class<?>> COMMANDS = List.of(
            Demo.class,
            Run.class,
            Bench.class,
            Check.class,
            StatusCommand.class,
            InstallService.class,
            Grants.class,
            QueueCommand.class,
            DeadLetterCommand.class,
            PartitionsCommand.class,
            DdlCommand.class,
            Export.class,
            Import.class,
            TargetCommand.class,
            Compare.class,
            RepairCommand.class,
            TableDispatcher.class,
            Convert.class);

    @Spec
    private CommandSpec spec;

    public static void main(String[] args) {
        System.exit(commandLine(args).execute(args));
    }

    /** With the command that the first argument names, as reading all of them takes longer than most take to run; else with all. */
    static CommandLine commandLine(String... args) {
        List<Class<?>> named = COMMANDS.stream()
                .filter(type -> args.length > 0
                        && type.getAnnotation(Command.class).name().equals(args[0]))
                .toList();
        CommandLine line = new CommandLine(new Caravan());
        for (Class<?> type : named.isEmpty() ? COMMANDS : named) {
            line.addSubcommand(type);
        }
        return line.setExecutionStrategy(parsed -> {
                    // picocli's own help may be in colours
                    Integer helped = CommandLine.executeHelpRequest(parsed);
                    if (helped != null) {
                        return helped;
                    }
                    line.setOut(new PlainWriter(line.getOut())).setErr(new PlainWriter(line.getErr()));
                    return new CommandLine.RunLast().execute(parsed);
                })
                .setParameterExceptionHandler((misuse, all) -> {
                    CommandSpec command = misuse.getCommandLine().getCommandSpec();
                    PrintWriter err = misuse.getCommandLine().getErr();
                    err.println(command.qualifiedName() + ": " + Secrets.masked(misuse.getMessage()));
                    UnmatchedArgumentException.printSuggestions(misuse, err);
                    err.println("(" + command.qualifiedName() + " --help explains)");
                    return 2;
                })
                .setExecutionExceptionHandler((failure, command, parsed) -> {
                    command.getErr()
                            .println(command.getCommandSpec().qualifiedName() + ": "
                                    + Secrets.masked(failure.getMessage()));
                    return failure instanceof ConfigurationException || failure instanceof IniException ? 2 : 1;
                });
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "a command is missing");
    }
}

package io.pgcaravan.cli;

import io.pgcaravan.app.CommandFailedException;
import io.pgcaravan.app.ConfigurationException;
import io.pgcaravan.app.PlainWriter;
import io.pgcaravan.app.Version;
import io.pgcaravan.bench.Bench;
import io.pgcaravan.database.Secrets;
import io.pgcaravan.demo.Demo;
import io.pgcaravan.partition.RetentionPeriod;
import io.pgcaravan.queue.Pgq;
import io.pgcaravan.ship.format.Compression;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.skytools.IniException;
import io.pgcaravan.sql.TableName;
import java.io.PrintWriter;
import java.sql.SQLException;
import java.util.List;
import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/** {@code caravan COMMAND}: exit codes are 0 done, 1 failed, 2 bad usage or configuration. */
@Command(
        name = "caravan",
        mixinStandardHelpOptions = true,
        description = "Moves PostgreSQL rows between databases, as Apache Camel routes that people edit.",
        synopsisSubcommandLabel = "COMMAND",
        exitCodeList = {
            "0:done; also where there was nothing to do, or it was done already",
            "1:failed: a problem was found, something is damaged, incomplete or missing, a database refused it",
            "2:bad usage or configuration; nothing was begun"
        })
public final class Caravan {

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
        (named.isEmpty() ? COMMANDS : named).forEach(line::addSubcommand);
        completeHelp(line);
        convert(line, TableName.class, TableName::parse);
        convert(line, Target.class, Target::parse);
        convert(line, Compression.class, Compression::of);
        convert(line, RetentionPeriod.class, RetentionPeriod::parse);
        convert(line, Pgq.class, Pgq::new);
        return line.setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionStrategy(Caravan::execute)
                .setParameterExceptionHandler(Caravan::badUsage)
                .setExecutionExceptionHandler(Caravan::failed);
    }

    /** For every command. The help options themselves are in each annotation: picocli counts on them before a method's. */
    private static void completeHelp(CommandLine line) {
        CommandSpec command = line.getCommandSpec();
        command.versionProvider(new Version());
        if (!command.usageMessage().exitCodeList().isEmpty()) {
            command.usageMessage().exitCodeListHeading("Exit codes:%n");
        }
        line.getSubcommands().values().forEach(Caravan::completeHelp);
    }

    /** The value's own parser says what is wrong with it. */
    private static <T> void convert(CommandLine line, Class<T> type, Function<String, T> parser) {
        line.registerConverter(type, text -> {
            try {
                return parser.apply(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        });
    }

    private static int execute(ParseResult parsed) {
        CommandLine line = parsed.commandSpec().commandLine();
        // picocli's own help may be in colours
        Integer helped = CommandLine.executeHelpRequest(parsed);
        if (helped != null) {
            return helped;
        }
        line.setOut(new PlainWriter(line.getOut())).setErr(new PlainWriter(line.getErr()));
        try {
            return new CommandLine.RunLast().execute(parsed);
        } finally {
            line.getOut().flush();
            line.getErr().flush();
        }
    }

    private static int badUsage(ParameterException misuse, String[] all) {
        CommandSpec command = misuse.getCommandLine().getCommandSpec();
        PrintWriter err = misuse.getCommandLine().getErr();
        err.println(command.qualifiedName() + ": " + Secrets.masked(misuse.getMessage()));
        UnmatchedArgumentException.printSuggestions(misuse, err);
        err.println("(" + command.qualifiedName() + " --help explains)");
        return 2;
    }

    private static int failed(Exception failure, CommandLine command, ParseResult parsed) {
        String message = failure instanceof SQLException refused
                ? CommandFailedException.reason(refused, "caravan grants prints the rights that a role needs")
                : failure.getMessage();
        command.getErr().println(command.getCommandSpec().qualifiedName() + ": " + Secrets.masked(message));
        return failure instanceof ConfigurationException || failure instanceof IniException ? 2 : 1;
    }
}

package io.pgcaravan.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** Which package may know which. */
@AnalyzeClasses(packages = "io.pgcaravan", importOptions = ImportOption.DoNotIncludeTests.class)
class PackagesTest {

    private static final String[] APPLICATION = {
        "io.pgcaravan.app..",
        "io.pgcaravan.cli..",
        "io.pgcaravan.demo..",
        "io.pgcaravan.bench..",
        "io.pgcaravan.server.."
    };

    @ArchTest
    static final ArchRule only_endpoints_and_the_application_know_camel = noClasses()
            .that()
            .resideOutsideOfPackages(APPLICATION)
            .and()
            .resideOutsideOfPackage("io.pgcaravan.camel..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("org.apache.camel..", "org.springframework..", "io.pgcaravan.camel..");

    @ArchTest
    static final ArchRule nothing_below_knows_the_application = noClasses()
            .that()
            .resideOutsideOfPackages(APPLICATION)
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(APPLICATION);

    @ArchTest
    static final ArchRule only_commands_know_commands = noClasses()
            .that()
            .resideOutsideOfPackage("io.pgcaravan.cli..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.pgcaravan.cli..");

    @ArchTest
    static final ArchRule a_batch_knows_nothing_of_rows = noClasses()
            .that()
            .resideInAnyPackage("io.pgcaravan.queue..", "io.pgcaravan.batch..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("io.pgcaravan.row..", "io.pgcaravan.partition..", "io.pgcaravan.load..");

    @ArchTest
    static final ArchRule packages_do_not_know_each_other_in_circles =
            slices().matching("io.pgcaravan.(**)").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule names_say_what_a_class_is =
            noClasses().should().haveNameMatching(".*(Util|Utils|Helper|Manager|Common)$");
}

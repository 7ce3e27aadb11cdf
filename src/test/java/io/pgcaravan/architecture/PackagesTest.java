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

    @ArchTest
    static final ArchRule core_knows_neither_camel_nor_spring = noClasses()
            .that()
            .resideInAnyPackage(
                    "io.pgcaravan.database..",
                    "io.pgcaravan.table..",
                    "io.pgcaravan.queue..",
                    "io.pgcaravan.row..",
                    "io.pgcaravan.partition..",
                    "io.pgcaravan.load..",
                    "io.pgcaravan.skytools..",
                    "io.pgcaravan.grants..",
                    "io.pgcaravan.changeset..",
                    "io.pgcaravan.check..",
                    "io.pgcaravan.status..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "org.apache.camel..", "org.springframework..", "io.pgcaravan.camel..", "io.pgcaravan.cli..");

    @ArchTest
    static final ArchRule only_the_camel_package_and_the_commands_know_camel = noClasses()
            .that()
            .resideOutsideOfPackages("io.pgcaravan.camel..", "io.pgcaravan.cli..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.apache.camel..");

    @ArchTest
    static final ArchRule routes_do_not_know_the_commands = noClasses()
            .that()
            .resideInAPackage("io.pgcaravan.camel..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.pgcaravan.cli..");

    @ArchTest
    static final ArchRule a_queue_knows_nothing_of_tables = noClasses()
            .that()
            .resideInAPackage("io.pgcaravan.queue..")
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

# Writes the tables of the gallery from the R packages that carry them: Rscript data.R (in this folder).
# Needs lme4, mlmRev, MASS and rstanarm. Factors are written as text; of VerbAgg every third respondent is kept.

library(lme4)

write_table <- function(name, table, packed = FALSE) {
  file <- if (packed) gzfile(paste0(name, ".csv.gz"), "w") else file(paste0(name, ".csv"), "w")
  write.csv(table, file, row.names = FALSE, quote = FALSE)
  close(file)
}

write_table("sleepstudy", sleepstudy)
write_table("cbpp", cbpp)
write_table("grouseticks", grouseticks[c("TICKS", "BROOD", "LOCATION", "INDEX", "YEAR", "cHEIGHT")])
respondents <- VerbAgg[as.integer(VerbAgg$id) %% 3 == 1, ]
write_table("verbagg", respondents[c("r2", "Anger", "Gender", "btype", "situ", "mode", "id", "item")], packed = TRUE)
write_table("penicillin", Penicillin)
write_table("epil", MASS::epil[c("y", "trt", "lbase", "lage", "V4", "subject")])
write_table("mmmec", mlmRev::Mmmec)
write_table("radon", rstanarm::radon)

ucb <- as.data.frame(UCBAdmissions)
admitted <- ucb[ucb$Admit == "Admitted", ]
rejected <- ucb[ucb$Admit == "Rejected", ]
stopifnot(admitted$Gender == rejected$Gender, admitted$Dept == rejected$Dept)
write_table("ucb", data.frame(
  dept = admitted$Dept, male = as.integer(admitted$Gender == "Male"),
  admitted = admitted$Freq, applications = admitted$Freq + rejected$Freq
))

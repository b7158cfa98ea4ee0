# Writes the tables of the gallery from the R packages that carry them: Rscript data.R (in this folder).
# Needs lme4, mlmRev and MASS. Factors are written as text.

library(lme4)

write_table <- function(name, table) {
  write.csv(table, paste0(name, ".csv"), row.names = FALSE, quote = FALSE)
}

write_table("sleepstudy", sleepstudy)
write_table("cbpp", cbpp)
write_table("penicillin", Penicillin)
write_table("epil", MASS::epil[c("y", "trt", "lbase", "lage", "V4", "subject")])
write_table("mmmec", mlmRev::Mmmec)

ucb <- as.data.frame(UCBAdmissions)
admitted <- ucb[ucb$Admit == "Admitted", ]
rejected <- ucb[ucb$Admit == "Rejected", ]
stopifnot(admitted$Gender == rejected$Gender, admitted$Dept == rejected$Dept)
write_table("ucb", data.frame(
  dept = admitted$Dept, male = as.integer(admitted$Gender == "Male"),
  admitted = admitted$Freq, applications = admitted$Freq + rejected$Freq
))
